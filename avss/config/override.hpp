// Command-line overrides: a.b=v, +a.b=v (must not exist), ++a.b=v (set or add), ~a.b, ~a.b=v (delete), a= (empty
// string); a value may be a sweep.
#pragma once

#include <avss/config/grammar.hpp>
#include <avss/config/scalar.hpp>
#include <avss/config/sweep.hpp>
#include <avss/config/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss::config {

enum class override_kind : std::uint8_t { change, add, force_add, remove };

struct override_item {
  override_kind kind = override_kind::change;
  std::string key;             // dotted path, or a group: "model", "transforms/instance_transforms"
  std::string package;         // of group@package=option
  bool has_package = false;    // "group@=option" has an empty one
  std::optional<value> given;  // none for "~a" and for a sweep
  std::optional<sweep> swept;
  std::string line;  // as typed
};

namespace detail {

inline void place_all(value& v, const origin& o) {
  v.set_where(o);
  if (v.is(kind::list)) {
    for (value& item : v.items()) place_all(item, o);
  } else if (v.is(kind::map)) {
    for (value::entry& e : v.entries()) place_all(e.item, o);
  }
}

inline void check_key(std::string_view key, std::string_view separators, const std::string& line) {
  bool part = false;
  for (char c : key) {
    if (separators.find(c) != std::string_view::npos) {
      if (!part) fail("'", line, "': the key '", key, "' has an empty part");
      part = false;
      continue;
    }
    if (!is_letter(c) && !is_digit(c) && c != '_' && c != '-' && c != '$')
      fail("'", line, "': the key '", key, "' holds '", c,
           "'; a key has letters, digits, _ - $, and dots (or / for a group) between its parts");
    part = true;
  }
  if (!part) fail("'", line, "': the key is empty or ends with a separator");
}

}  // namespace detail

// One configuration takes no sweep.
inline void refuse_sweep(const override_item& o) {
  if (o.swept)
    fail("Ambiguous value for argument '", o.line,
         "': 1. a list: key=[a,b] 2. a string: key=\"'a,b'\" 3. a sweep: add --multirun");
}

inline override_item parse_override(const std::string& line) {
  override_item o;
  o.line = line;
  std::string_view rest = line;
  if (rest.starts_with("++"))
    o.kind = override_kind::force_add, rest.remove_prefix(2);
  else if (rest.starts_with("+"))
    o.kind = override_kind::add, rest.remove_prefix(1);
  else if (rest.starts_with("~"))
    o.kind = override_kind::remove, rest.remove_prefix(1);
  const std::size_t equal = rest.find('=');
  if (equal == std::string_view::npos && o.kind != override_kind::remove)
    fail("'", line, "': expected key=value (a string may be empty: '", line, "=')");
  std::string_view key = rest.substr(0, equal);
  if (const std::size_t at = key.find('@'); at != std::string_view::npos) {
    o.has_package = true;
    o.package = std::string(key.substr(at + 1));
    if (!o.package.empty()) detail::check_key(o.package, ".", line);
    key = key.substr(0, at);
  }
  detail::check_key(key, key.find('/') == std::string_view::npos ? "." : "/", line);
  o.key = std::string(key);
  if (equal != std::string_view::npos) {
    swept_value v = detail::override_parser(rest.substr(equal + 1), line).parse();
    if (sweep* s = std::get_if<sweep>(&v)) {
      o.swept = std::move(*s);
    } else {
      o.given = std::get<value>(std::move(v));
      detail::place_all(*o.given, {std::make_shared<const std::string>("the command line, " + line)});
    }
  }
  return o;
}

}  // namespace avss::config
