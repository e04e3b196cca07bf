// YAML files to values and back. yaml-cpp splits the text; what the scalars mean is decided by scalar.hpp.
#pragma once

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <avss/config/scalar.hpp>
#include <avss/config/value.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace avss::config {

namespace detail {

class yaml_reader {
 public:
  explicit yaml_reader(std::string name) : name_(std::make_shared<const std::string>(std::move(name))) {}

  value read(const std::string& text) {
    try {
      refuse_more_documents(text);
      return convert(YAML::Load(text), 0);
    } catch (const YAML::DeepRecursion& e) {  // whose own text is "bad file"
      fail(at(e.mark), ": nested deeper than ", max_depth, " levels");
    } catch (const YAML::Exception& e) {
      if (e.mark.is_null()) fail(*name_, ": not valid YAML: ", e.msg);
      fail(at(e.mark), ": not valid YAML: ", e.msg);
    }
  }

 private:
  // Generous for people, small for files that mean harm: aliases can nest and multiply without end.
  static constexpr int max_depth = 64;
  static constexpr int max_nodes = 200'000;

  struct document_start : YAML::EventHandler {
    YAML::Mark mark;
    void OnDocumentStart(const YAML::Mark& m) override { mark = m; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
  };

  // YAML::Load reads the first document and forgets the rest; YAML::LoadAll never ends on a stray comma.
  void refuse_more_documents(const std::string& text) const {
    std::istringstream in(text);
    YAML::Parser parser(in);
    document_start first, second;
    if (parser.HandleNextDocument(first) && parser.HandleNextDocument(second))
      fail(at(second.mark), ": one YAML document is expected, and here another begins (a '---' line, or a stray character)");
  }

  std::string at(const YAML::Mark& m) const { return place(m).text(); }
  origin place(const YAML::Mark& m) const { return {name_, m.is_null() ? 0 : m.line + 1, m.is_null() ? 0 : m.column + 1}; }

  value convert(const YAML::Node& node, int depth) {
    if (depth > max_depth) fail(at(node.Mark()), ": nested deeper than ", max_depth, " levels");
    if (++nodes_ > max_nodes) fail(at(node.Mark()), ": more than ", max_nodes, " values, aliases counted where they are used");
    value v;
    if (node.IsScalar())
      v = scalar(node);
    else if (node.IsSequence())
      v = list(node, depth);
    else if (node.IsMap())
      v = map(node, depth);
    v.set_where(place(node.Mark()));
    return v;
  }

  value scalar(const YAML::Node& node) {
    constexpr std::string_view standard = "tag:yaml.org,2002:";
    const std::string &tag = node.Tag(), &text = node.Scalar();
    if (tag == "!" || tag == std::string(standard) + "str") return value(text);
    try {
      value v = yaml_scalar(text);
      if (tag.starts_with(standard)) {
        const std::string wanted = tag.substr(standard.size());
        if (wanted == "float" && v.is(kind::integer)) v = value(static_cast<double>(v.integer()));
        const bool fits = (wanted == "int" && v.is(kind::integer)) || (wanted == "float" && v.is(kind::real)) ||
                          (wanted == "bool" && v.is(kind::boolean)) || (wanted == "null" && v.is_null());
        if (!fits) fail("'", text, "' cannot be read as !!", wanted);
      } else if (!tag.empty() && tag != "?") {
        fail("the tag ", tag, " is not supported; known: !!str, !!int, !!float, !!bool, !!null");
      }
      if (!v.is(kind::string)) v.set_written(text);
      return v;
    } catch (const error& e) {
      fail(at(node.Mark()), ": ", e.what());
    }
  }

  // Of a list or a section: no more than what they are.
  void check_tag(const YAML::Node& node, std::string_view own) const {
    const std::string& tag = node.Tag();
    if (!tag.empty() && tag != "?" && tag != "!" && tag != std::string("tag:yaml.org,2002:").append(own))
      fail(at(node.Mark()), ": the tag ", tag, " is not supported here; leave it out");
  }

  value list(const YAML::Node& node, int depth) {
    check_tag(node, "seq");
    value::list items;
    for (const auto& item : node) items.push_back(convert(item, depth + 1));
    return value(std::move(items));
  }

  value map(const YAML::Node& node, int depth) {
    check_tag(node, "map");
    value own{value::map{}}, merged{value::map{}};
    std::unordered_set<std::string> seen;
    for (const auto& pair : node) {
      if (!pair.first.IsScalar()) fail(at(pair.first.Mark()), ": a key must be a word, and not null, a list or a section");
      const std::string& key = pair.first.Scalar();
      if (!seen.insert(key).second) fail(at(pair.first.Mark()), ": the key '", key, "' is given twice in one section");
      if (key == "<<" && pair.first.Tag() != "!")
        merge_key(merged, pair.second, depth);
      else
        own.entries().push_back({key, convert(pair.second, depth + 1)});
    }
    if (merged.entries().empty()) return own;
    for (value::entry& e : own.entries()) merged[e.key] = std::move(e.item);
    return merged;
  }

  // '<<: *a' or '<<: [*a, *b]': their keys, unless given here; the first one named wins.
  void merge_key(value& onto, const YAML::Node& node, int depth) {
    const value v = convert(node, depth + 1);
    const value::list sections = v.is(kind::list) ? v.items() : value::list{v};
    for (const value& s : sections) {
      if (!s.is(kind::map)) fail(at(node.Mark()), ": '<<' merges sections, and this is ", name_of(s.kind()));
      for (const value::entry& e : s.entries())
        if (!onto.child(e.key)) onto[e.key] = e.item;
    }
  }

  std::shared_ptr<const std::string> name_;
  int nodes_ = 0;
};

}  // namespace detail

// The value of a YAML text; an empty one is null. `name` stands for the file in messages.
inline value parse_yaml(const std::string& text, const std::string& name) { return detail::yaml_reader(name).read(text); }

inline std::string read_text_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(path, ": cannot be opened for reading");
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) fail(path, ": reading failed");
  return text;
}

inline value load_yaml(const std::string& path) { return parse_yaml(read_text_file(path), path); }

}  // namespace avss::config
