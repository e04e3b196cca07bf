// References between values, followed when a value is read: ${a.b} from the root, ${.b} and ${..b} from the section it
// stands in, nested, inside text or alone (then the type stays, be it a section); and the resolvers oc.env, oc.decode,
// oc.create, oc.select, oc.deprecated, oc.dict.keys, oc.dict.values, now, hydra.
#pragma once

#include <algorithm>
#include <avss/config/grammar.hpp>
#include <avss/config/value.hpp>
#include <avss/config/yaml.hpp>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace avss::config {

namespace detail {

// The moment when the program first asked for it, by strftime's pattern: one moment for all folders and files of a run.
inline std::string start_time(const std::string& pattern) {
  static const std::time_t start = std::time(nullptr);
  std::tm parts{};
  localtime_r(&start, &parts);
  std::string text(pattern.size() * 20 + 100, '\0');
  text.resize(std::strftime(text.data(), text.size(), pattern.c_str(), &parts));
  return text;
}

inline void warn_once(const std::string& message) {
  static std::set<std::string> said;
  if (said.insert(message).second) std::cerr << one_line("warning: " + message) + "\n";
}

// Reads values of one tree; made anew for every question.
class resolver {
 public:
  // `full`: the configuration with the section 'hydra', for ${hydra:..}; null pointer if there is none.
  explicit resolver(const value& root, const value* full = nullptr) : root_(root), full_(full) {}

  // The value at the path with every reference in it followed; none if a part of the path does not exist.
  std::optional<value> at(const std::vector<std::string>& path) {
    const std::optional<place> p = walk(path);
    return p ? std::optional(deep(*p)) : std::nullopt;
  }

  value all() { return deep({&root_, {}}); }

 private:
  struct place {
    const value* node;
    std::vector<std::string> path;  // where it stands, the base of what is relative in it
  };
  static constexpr std::size_t max_depth = 200;
  static constexpr std::size_t max_nodes = 200'000;
  static constexpr std::size_t max_text = 1'000'000;

  struct guard {
    std::vector<std::string>& stack;
    ~guard() { stack.pop_back(); }
  };
  guard enter(const std::string& what, const value& v) {
    const std::string at = v.where().text().empty() ? "" : " (" + v.where().text() + ")";
    if (active_.size() > max_depth) fail("'", what, "': references nested deeper than ", max_depth, " levels", at);
    if (std::find(active_.begin(), active_.end(), what) != active_.end()) {
      std::string chain;
      for (const std::string& a : active_)
        if (chain.size() < 300) chain += a + " -> ";
      fail("'", what, "' refers to itself: ", chain, what, at);
    }
    active_.push_back(what);
    return {active_};
  }

  // The node at the path, references followed on the way and at the end.
  std::optional<place> walk(const std::vector<std::string>& path) {
    place p{&root_, {}};
    for (const std::string& part : path) {
      const value* next = p.node->child(part);
      if (!next) return std::nullopt;
      p.node = next;
      p.path.push_back(part);
      if (next->is_interpolation()) p = follow(p);
    }
    return p;
  }

  place follow(const place& p) {
    const guard g = enter(join_path(p.path), *p.node);
    base_.push_back(p);
    std::optional<place> target;
    try {
      target = text(p.node->text());
    } catch (...) {
      base_.pop_back();
      throw;
    }
    base_.pop_back();
    return *target;
  }

  place made(value v) {
    v.set_where(base_.back().node->where());
    v.set_literal();
    made_.push_back(std::move(v));
    return {&made_.back(), base_.back().path};
  }

  [[noreturn]] void wrong(std::string_view inner, const std::string& why) const {
    const value& v = *base_.back().node;
    const std::string at = v.where().text().empty() ? "" : " (" + v.where().text() + ")";
    fail(join_path(base_.back().path), ": cannot resolve ", inner, ": ", why, at);
  }

  // A text with references in it: one alone gives what it names, otherwise all become text.
  place text(std::string_view s) {
    std::string out;
    for (std::size_t i = 0; i < s.size();) {
      std::size_t slashes = 0;
      while (i + slashes < s.size() && s[i + slashes] == '\\') ++slashes;
      const bool open = s.substr(i + slashes).starts_with("${");
      if (!open) {
        const std::size_t n = std::max<std::size_t>(slashes, 1);
        out += s.substr(i, n);
        i += n;
        continue;
      }
      out.append(slashes / 2, '\\');
      i += slashes;
      if (slashes % 2) {  // \${ is a plain ${
        out += "${";
        i += 2;
        continue;
      }
      const std::size_t end = interpolation_end(s, i);
      if (end == std::string_view::npos) wrong(s, "the ${ is never closed");
      if (i == 0 && end == s.size()) return reference(s);
      const place p = reference(s.substr(i, end - i));
      if (out.size() > max_text) wrong(s.substr(i, end - i), "the text grows beyond a million characters");
      out += as_text(*p.node, s.substr(i, end - i));
      i = end;
    }
    return made(value(out));
  }

  std::string as_text(const value& v, std::string_view inner) const {
    if (v.is(kind::list) || v.is(kind::map)) wrong(inner, std::string(name_of(v.kind())) + " cannot be a part of a text");
    return python_text(v);
  }

  // Replaces the references inside a reference: ${a.${b}} -> ${a.x}.
  std::string flattened(std::string_view s) {
    if (s.find("${") == std::string_view::npos) return std::string(s);
    const place p = text(s);
    return as_text(*p.node, s);
  }

  place reference(std::string_view whole) {
    const guard g = enter(join_path(base_.back().path) + " " + std::string(whole), *base_.back().node);
    if (++nodes_ > max_nodes) wrong(whole, "the references lead to more than " + std::to_string(max_nodes) + " others");
    std::string_view inner = whole.substr(2, whole.size() - 3);
    while (inner.starts_with(' ')) inner.remove_prefix(1);
    while (inner.ends_with(' ')) inner.remove_suffix(1);
    std::size_t name = 0;
    while (name < inner.size() && (is_letter(inner[name]) || is_digit(inner[name]) || inner[name] == '_' || inner[name] == '.'))
      ++name;
    if (name > 0 && name < inner.size() && inner[name] == ':')
      return call(std::string(inner.substr(0, name)), inner.substr(name + 1), whole);
    const std::string key = flattened(inner);
    if (key.empty() || key.find_first_of(" \t\"'{},=") != std::string::npos) wrong(whole, "not a key such as ${a.b}");
    return select(key, whole, true);
  }

  std::vector<std::string> absolute(const std::string& key) const {
    std::size_t dots = 0;
    while (dots < key.size() && key[dots] == '.') ++dots;
    if (dots == 0) return split_path(key);
    std::vector<std::string> path = base_.back().path;
    if (dots > path.size()) wrong("${" + key + "}", "it leads above the root");
    path.resize(path.size() - dots);
    for (const std::string& part : split_path(key.substr(dots))) path.push_back(part);
    return path;
  }

  place select(const std::string& key, std::string_view whole, bool needed) {
    const std::vector<std::string> path = absolute(key);
    const std::optional<place> p = walk(path);
    if (!p && needed)
      wrong(whole, "'" + join_path(path) + "' is not in the configuration" + did_you_mean(join_path(path), root_.paths(true)));
    if (p && p->node->is_missing() && needed) wrong(whole, "'" + join_path(path) + "' is mandatory, and not given");
    static const value none;
    return p ? *p : place{&none, {}};
  }

  // The arguments of ${name:a,b}, split at the commas outside quotes and brackets.
  std::vector<value> arguments(std::string_view s, std::string_view whole) {
    std::vector<value> all;
    int open = 0;
    char quote = 0;
    std::size_t from = 0;
    for (std::size_t i = 0; i <= s.size(); ++i) {
      const char c = i < s.size() ? s[i] : ',';
      if (c == '\\' && i + 1 < s.size())
        ++i;
      else if (quote && i < s.size())
        quote = c == quote ? '\0' : quote;
      else if (c == '"' || c == '\'')
        quote = c;
      else if (c == '{' || c == '[')
        ++open;
      else if (c == '}' || c == ']')
        --open;
      else if (c == ',' && (open <= 0 || i == s.size())) {
        all.push_back(argument(s.substr(from, i - from), whole));
        from = i + 1;
      }
    }
    return all;
  }

  value argument(std::string_view s, std::string_view whole) {
    value v;
    try {
      v = parse_override_value(std::string(s));
    } catch (const error& e) {
      wrong(whole, e.what());
    }
    return filled(std::move(v));
  }

  // An argument with the references in it followed, be they within a list.
  value filled(value v) {
    if (v.is(kind::list))
      for (value& item : v.items()) item = filled(std::move(item));
    if (v.is(kind::map))
      for (value::entry& e : v.entries()) e.item = filled(std::move(e.item));
    return v.is_interpolation() ? *text(v.text()).node : v;
  }

  // A key's name, which the resolver was given.
  std::string key_of(const std::vector<value>& given, std::size_t most, std::string_view whole, const char* form) const {
    if (given.empty() || given.size() > most || !given[0].is(kind::string) || given[0].text().empty())
      wrong(whole, std::string("expected ") + form);
    return given[0].text();
  }

  place call(const std::string& name, std::string_view args, std::string_view whole) {
    const std::vector<value> given = args.empty() ? std::vector<value>{} : arguments(args, whole);
    if (name == "oc.env") return environment(given, whole);
    if (name == "oc.select") {
      const std::string key = key_of(given, 2, whole, "${oc.select:path} or ${oc.select:path,default}");
      const std::optional<place> p = walk(absolute(key));
      if (p && !p->node->is_missing()) return *p;
      return made(given.size() == 2 ? given[1] : value());
    }
    if (name == "oc.decode") {
      if (given.size() != 1 || (!given[0].is_null() && !given[0].is(kind::string)))
        wrong(whole, "expected one text: ${oc.decode:text}");
      if (given[0].is_null()) return made(value());
      if (given[0].text().empty()) wrong(whole, "the text is empty");
      return made(argument(given[0].text(), whole));
    }
    if (name == "oc.create") {
      if (given.size() != 1) wrong(whole, "expected one list, section or text: ${oc.create:[a,b]}");
      return made(given[0].is(kind::string) ? created(given[0].text(), whole) : given[0]);
    }
    if (name == "oc.deprecated") return deprecated(given, whole);
    if (name == "oc.dict.keys" || name == "oc.dict.values") return section_parts(given, whole, name.ends_with("keys"));
    if (name == "now") {
      if (given.size() != 1 || !given[0].is(kind::string)) wrong(whole, "expected a pattern: ${now:%Y-%m-%d}");
      return made(value(start_time(given[0].text())));
    }
    if (name == "hydra") {
      const std::string key = key_of(given, 1, whole, "a key of the tool's own section: ${hydra:job.name}");
      if (!full_) wrong(whole, "the section 'hydra' is there only while a tool runs");
      resolver whole_tree(*full_, full_);
      whole_tree.active_ = active_, whole_tree.nodes_ = nodes_;  // what leads back here is a circle
      const std::optional<value> found = whole_tree.at(split_path("hydra." + key));
      nodes_ = whole_tree.nodes_;
      return made(found && !found->is_missing() ? *found : value());
    }
    if (name == "python_version") wrong(whole, "there is no Python here; write the version itself");
    const std::vector<std::string> known{"oc.env",       "oc.decode",      "oc.create", "oc.select", "oc.deprecated",
                                         "oc.dict.keys", "oc.dict.values", "now",       "hydra"};
    wrong(whole, "there is no resolver '" + name + "'; known: " + listed(known) + did_you_mean(name, known));
  }

  place environment(const std::vector<value>& given, std::string_view whole) {
    const std::string name = key_of(given, 2, whole, "${oc.env:NAME} or ${oc.env:NAME,default}");
    if (const char* found = std::getenv(name.c_str())) return made(value(found));
    if (given.size() == 1)
      wrong(whole,
            "the environment variable '" + name + "' is not set; set it, or give a default: ${oc.env:" + name + ",default}");
    return made(given[1].is_null() ? value() : value(as_text(given[1], whole)));
  }

  // As OmegaConf.create reads a text: "a: 1" is a section, "a" one with a key that has no value.
  value created(const std::string& yaml, std::string_view whole) const {
    try {
      value v = parse_yaml(yaml, std::string(whole));
      if (v.is(kind::map) || v.is(kind::list)) return v;
      value section{value::map{}};
      if (!v.is_null()) section[yaml] = value();
      return section;
    } catch (const error& e) {
      wrong(whole, e.what());
    }
  }

  place deprecated(const std::vector<value>& given, std::string_view whole) {
    const std::string key = key_of(given, 2, whole, "${oc.deprecated:new_key} or ${oc.deprecated:new_key,message}");
    if (given.size() == 2 && !given[1].is(kind::string)) wrong(whole, "the message must be a text");
    const place p = select(key, whole, true);
    std::string message =
        given.size() == 2 ? given[1].text() : "'$OLD_KEY' is deprecated. Change your code and config to use '$NEW_KEY'";
    const auto put = [&](std::string_view word, const std::string& by) {
      for (std::size_t at = 0; (at = message.find(word, at)) != std::string::npos; at += by.size())
        message.replace(at, word.size(), by);
    };
    put("$OLD_KEY", join_path(base_.back().path));
    put("$NEW_KEY", join_path(absolute(key)));
    warn_once(message);
    return p;
  }

  place section_parts(const std::vector<value>& given, std::string_view whole, bool keys) {
    const std::string key = key_of(given, 1, whole, keys ? "${oc.dict.keys:path}" : "${oc.dict.values:path}");
    const place p = select(key, whole, true);
    if (!p.node->is(kind::map)) wrong(whole, "'" + key + "' is " + name_of(p.node->kind()) + " and not a section");
    value all{value::list{}};
    const std::string path = join_path(absolute(key));
    for (const value::entry& e : p.node->entries()) all.items().emplace_back(keys ? e.key : "${" + path + "." + e.key + "}");
    return made(std::move(all));
  }

  value deep(place p) {
    if (++nodes_ > max_nodes) fail("the references of the configuration unfold to more than ", max_nodes, " values");
    if (p.node->is_interpolation()) p = follow(p);
    if (!p.node->is(kind::map) && !p.node->is(kind::list)) return *p.node;
    const guard g = enter(p.path.empty() ? "the root" : join_path(p.path) + " (section)", *p.node);
    value out;
    const auto below = [&](const value& v, const std::string& key) {
      place q{&v, p.path};
      q.path.push_back(key);
      return deep(std::move(q));
    };
    if (p.node->is(kind::map)) {
      out = value(value::map{});
      for (const value::entry& e : p.node->entries()) out.entries().push_back({e.key, below(e.item, e.key)});
    } else {
      out = value(value::list{});
      for (std::size_t i = 0; i < p.node->items().size(); ++i)
        out.items().push_back(below(p.node->items()[i], std::to_string(i)));
    }
    out.set_where(p.node->where());
    return out;
  }

  const value& root_;
  const value* full_;
  std::deque<value> made_;
  std::vector<place> base_;
  std::vector<std::string> active_;
  std::size_t nodes_ = 0;
};

}  // namespace detail

}  // namespace avss::config
