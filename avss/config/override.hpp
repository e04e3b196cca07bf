// Command-line overrides: a.b=v, +a.b=v (must not exist), ++a.b=v (set or add), ~a.b, ~a.b=v (delete), a= (empty
// string). The grammar is Hydra's; non-ASCII letters and ~ # & ! ; < > ^ ` are taken in bare words besides.
#pragma once

#include <avss/config/scalar.hpp>
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
  std::optional<value> given;  // none for "~a"
  std::string line;            // as typed
};

namespace detail {

// The end of an interpolation that begins at s[i] = '$': past its closing brace, or npos. Braces nest; those in quotes
// do not count.
inline std::size_t interpolation_end(std::string_view s, std::size_t i) {
  int open = 0;
  char quote = 0;
  for (std::size_t k = i + 1; k < s.size(); ++k) {
    const char c = s[k];
    if (c == '\\' && k + 1 < s.size())
      ++k;
    else if (quote)
      quote = c == quote ? '\0' : quote;
    else if ((c == '"' || c == '\'') && open > 0)
      quote = c;
    else if (c == '{')
      ++open;
    else if (c == '}' && --open == 0)
      return k + 1;
  }
  return std::string_view::npos;
}

// The value of an unquoted word: integer, number, boolean, null or the word itself.
inline value word_value(std::string_view s) {
  matcher m{s};
  const auto lower_is = [&](std::string_view t, std::string_view word) {
    if (t.size() != word.size()) return false;
    for (std::size_t i = 0; i < t.size(); ++i)
      if ((t[i] | 0x20) != word[i]) return false;
    return true;
  };
  if (lower_is(s, "true")) return value(true);
  if (lower_is(s, "false")) return value(false);
  if (lower_is(s, "null")) return value();
  if (s.size() > 1000) return value(std::string(s));
  m.take("+-");
  const bool negative = s[0] == '-';
  const std::string_view body = s.substr(m.i);
  const double inf = std::numeric_limits<double>::infinity();
  if (lower_is(body, "inf")) return value(negative ? -inf : inf);
  if (lower_is(body, "nan")) return value(std::numeric_limits<double>::quiet_NaN());
  // 0 or digits without a leading zero; then a point; then an exponent
  const bool whole = m.take("0") || m.grouped_digits();
  if (whole && m.done()) {
    const auto n = parse_int64(negative, without_underscores(body), 10);
    if (!n) too_large(s);
    return value(*n);
  }
  const bool point = m.take(".");
  const bool fraction = point && m.grouped_digits();
  bool number = (whole && point) || fraction;
  if (whole || fraction) {
    if (m.take("eE")) {
      m.take("+-");
      number = m.grouped_digits();
    }
    if (number && m.done()) return value(parse_double(without_underscores(s)));
  }
  return value(std::string(s));
}

class override_parser {
 public:
  override_parser(std::string_view text, std::string line) : s_(text), line_(std::move(line)) {}

  value parse() {
    skip_space();
    if (done()) return value("");
    value v = element(0);
    skip_space();
    if (!done() && peek() == ',')
      fail("Ambiguous value for argument '", line_,
           "': quote it to have a string with a comma (key=\"'a,b'\"), or write key=[a,b] for a list");
    if (!done()) unexpected();
    return v;
  }

 private:
  static constexpr int max_depth = 64;

  bool done() const { return i_ >= s_.size(); }
  char peek() const { return s_[i_]; }
  void skip_space() {
    while (!done() && (peek() == ' ' || peek() == '\t')) ++i_;
  }
  bool take(char c) {
    skip_space();
    return !done() && peek() == c ? (++i_, true) : false;
  }
  [[noreturn]] void unexpected() const {
    if (done()) fail("'", line_, "': the value ends too early");
    if (peek() == '(')
      fail("'", line_,
           "': functions and sweeps such as range(..) and choice(..) are not supported; for a plain parenthesis write \\( or "
           "quote the value");
    fail("'", line_, "': unexpected '", peek(), "' in the value; quote the value (\"key='...'\") or put \\ before it");
  }

  value element(int depth) {
    if (depth > max_depth) fail("'", line_.substr(0, 80), "...': nested deeper than ", max_depth, " levels");
    skip_space();
    if (done()) unexpected();
    switch (peek()) {
      case '[': return list(depth);
      case '{': return map(depth);
      case '\'':
      case '"': return value(quoted());
      default: return word(false);
    }
  }

  value list(int depth) {
    ++i_;
    value::list items;
    if (take(']')) return value(std::move(items));
    do items.push_back(element(depth + 1));
    while (take(','));
    if (!take(']')) unexpected();
    return value(std::move(items));
  }

  value map(int depth) {
    ++i_;
    value v{value::map{}};
    if (take('}')) return v;
    do {
      skip_space();
      if (done()) unexpected();
      const value key = peek() == '\'' || peek() == '"' ? value(quoted()) : word(true);
      const std::string name = key.is(kind::string) ? key.text() : key.written();
      if (!take(':')) unexpected();
      v[name] = element(depth + 1);
    } while (take(','));
    if (!take('}')) unexpected();
    return v;
  }

  // A backslash counts only before the quote (where it is dropped) and in a row that ends at one.
  std::string quoted() {
    const char quote = peek();
    std::string out;
    for (std::size_t k = i_ + 1; k < s_.size(); ++k) {
      if (s_[k] == quote) {
        i_ = k + 1;
        return out;
      }
      std::size_t end = k;
      while (end < s_.size() && s_[end] == '\\') ++end;
      if (end == k) {
        out += s_[k];
      } else if (end < s_.size() && s_[end] == quote) {
        out.append((end - k) / 2, '\\');
        if ((end - k) % 2) {
          out += quote;
          k = end;
        } else {
          k = end - 1;
        }
      } else {
        out.append(end - k, '\\');
        k = end - 1;
      }
    }
    fail("'", line_, "': the quote ", quote, " is never closed");
  }

  value word(bool key) {
    const std::size_t from = i_;
    std::string out;
    std::size_t trimmed = 0;  // length of `out` without trailing blanks
    bool plain = true;        // no escapes
    while (!done()) {
      const char c = peek();
      if (c == '\\' && i_ + 1 < s_.size() && std::string_view("\\()[]{}:=, \t").find(s_[i_ + 1]) != std::string_view::npos) {
        out += s_[i_ + 1];
        i_ += 2;
        trimmed = out.size();
        plain = false;
      } else if (c == '$' && i_ + 1 < s_.size() && s_[i_ + 1] == '{' && !key) {
        const std::size_t end = interpolation_end(s_, i_);
        if (end == std::string_view::npos) fail("'", line_, "': the ${ is never closed");
        out += s_.substr(i_, end - i_);
        i_ = end;
        trimmed = out.size();
      } else if (c == ' ' || c == '\t') {
        out += c;
        ++i_;
      } else if (std::string_view(",[]{}()='\"").find(c) != std::string_view::npos || (key && c == ':') ||
                 (static_cast<unsigned char>(c) < 0x20)) {
        break;
      } else {
        out += c;
        ++i_;
        trimmed = out.size();
      }
    }
    out.resize(trimmed);
    if (i_ == from || (plain && out.empty())) unexpected();
    if (!done() && std::string_view("[{('\"=").find(peek()) != std::string_view::npos) unexpected();
    value v = plain ? word_value(out) : value(out);
    if (!v.is(kind::string)) v.set_written(out);
    return v;
  }

  std::string_view s_;
  std::string line_;
  std::size_t i_ = 0;
};

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

// The value that `text` stands for on the right of "key=".
inline value parse_override_value(const std::string& text) { return detail::override_parser(text, text).parse(); }

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
    o.given = detail::override_parser(rest.substr(equal + 1), line).parse();
    detail::place_all(*o.given, {std::make_shared<const std::string>("the command line, " + line)});
  }
  return o;
}

}  // namespace avss::config
