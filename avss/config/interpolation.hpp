// References between values, followed when a value is read: ${a.b} from the root, ${.b} and ${..b} from the section it
// stands in, nested, inside text or alone (then the type stays, be it a section); ${oc.env:NAME,default} and
// ${oc.select:path,default}.
#pragma once

#include <algorithm>
#include <avss/config/override.hpp>
#include <avss/config/value.hpp>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace avss::config {

namespace detail {

// Reads values of one tree; made anew for every question.
class resolver {
 public:
  explicit resolver(const value& root) : root_(root) {}

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
    switch (v.kind()) {
      case kind::null: return "None";
      case kind::boolean: return v.boolean() ? "True" : "False";
      case kind::integer: return std::to_string(v.integer());
      case kind::real: {
        std::string t = number_text(v.real());  // as Python has it: 1e-05, inf
        if (t.find('e') != std::string::npos && t.find(".0e") != std::string::npos) t.erase(t.find(".0e"), 2);
        std::erase_if(t, [&](char c) { return c == '.' && (std::isnan(v.real()) || std::isinf(v.real())); });
        return t;
      }
      case kind::string: return v.text();
      default: wrong(inner, std::string(name_of(v.kind())) + " cannot be a part of a text");
    }
  }

  // Replaces the references inside a reference: ${a.${b}} -> ${a.x}.
  std::string flattened(std::string_view s) {
    if (s.find("${") == std::string_view::npos) return std::string(s);
    const place p = text(s);
    return as_text(*p.node, s);
  }

  place reference(std::string_view whole) {
    const guard g = enter(join_path(base_.back().path) + " " + std::string(whole), *base_.back().node);
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
  std::vector<value> arguments(std::string_view s) {
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
        all.push_back(argument(s.substr(from, i - from)));
        from = i + 1;
      }
    }
    return all;
  }

  value argument(std::string_view s) {
    const value v = parse_override_value(std::string(s));
    return v.is_interpolation() ? *text(v.text()).node : v;
  }

  place call(const std::string& name, std::string_view args, std::string_view whole) {
    const std::vector<value> given = args.empty() ? std::vector<value>{} : arguments(args);
    if (name == "oc.env") {
      if (given.empty() || given.size() > 2 || !given[0].is(kind::string))
        wrong(whole, "expected ${oc.env:NAME} or ${oc.env:NAME,default}");
      if (const char* found = std::getenv(given[0].text().c_str())) return made(value(found));
      if (given.size() == 1)
        wrong(whole, "the environment variable '" + given[0].text() +
                         "' is not set; set it, or give a default: ${oc.env:" + given[0].text() + ",default}");
      return made(given[1].is_null() ? value() : value(as_text(given[1], whole)));
    }
    if (name == "oc.select") {
      if (given.empty() || given.size() > 2 || !given[0].is(kind::string))
        wrong(whole, "expected ${oc.select:path} or ${oc.select:path,default}");
      const place p = select(given[0].text(), whole, false);
      return (p.node->is_null() || p.node->is_missing()) && given.size() == 2 ? made(given[1]) : p;
    }
    wrong(whole, "there is no resolver '" + name + "'; known: oc.env, oc.select");
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
  std::deque<value> made_;
  std::vector<place> base_;
  std::vector<std::string> active_;
  std::size_t nodes_ = 0;
};

}  // namespace detail

// A copy in which every reference is followed.
inline value resolved(const value& root) { return detail::resolver(root).all(); }

// A composed configuration as a program reads it: references are followed at the moment of reading, so that a broken one
// harms only those who ask for it.
class settings {
 public:
  settings() : root_(value::map{}) {}
  explicit settings(value root) : root_(std::move(root)) {}

  const value& root() const { return root_; }
  bool has(const std::string& path) const { return detail::resolver(root_).at(split_path(path)).has_value(); }

  // The node at the path, resolved; throws with the nearest known path if there is none.
  value at(const std::string& path) const {
    auto v = detail::resolver(root_).at(split_path(path));
    if (!v) fail("'", path, "' is not in the configuration", did_you_mean(path, root_.paths(true)));
    return *v;
  }

  // See value::as for the types.
  template <class T>
  T get(const std::string& path) const {
    return at(path).as<T>(path);
  }
  // The fallback if there is none, or if it is null.
  template <class T>
  T get(const std::string& path, T fallback) const {
    const auto v = detail::resolver(root_).at(split_path(path));
    return v && !v->is_null() ? v->as<T>(path) : fallback;
  }

  // A string that must be one of `choices`.
  std::string one_of(const std::string& path, const std::vector<std::string>& choices) const {
    const value v = at(path);
    const std::string s = v.as<std::string>(path);
    if (std::find(choices.begin(), choices.end(), s) == choices.end())
      fail(path, ": expected one of ", listed(choices), ", found ", v.described(),
           v.where().text().empty() ? "" : " (" + v.where().text() + ")", did_you_mean(s, choices));
    return s;
  }

 private:
  value root_;
};

}  // namespace avss::config
