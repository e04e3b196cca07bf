// The grammar of the values on the command line, which is Hydra's; non-ASCII letters and ~ # & ! ; < > ^ ` are taken in bare
// words besides.
#pragma once

#include <avss/config/functions.hpp>
#include <avss/config/scalar.hpp>
#include <avss/config/sweep.hpp>
#include <avss/config/value.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace avss::config {

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
  // Functions belong to the command line only, not to the arguments of a resolver.
  override_parser(std::string_view text, std::string line, bool functions = true)
      : s_(text), line_(std::move(line)), functions_(functions) {}

  swept_value parse() {
    skip_space();
    if (done()) return value("");
    swept_value v = element(0);
    if (take(',')) {
      sweep s;
      s.simple = true;
      s.options.push_back(plain(std::move(v)));
      do s.options.push_back(plain(element(0)));
      while (take(','));
      v = std::move(s);
    }
    skip_space();
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
    fail("'", line_, "': unexpected '", peek(), "' in the value; quote the value (\"key='...'\") or put \\ before it");
  }

  // A sweep is a whole value, never a part of one.
  value plain(swept_value v) const {
    if (!std::holds_alternative<value>(v)) fail("'", line_, "': a sweep within a value is not possible");
    return std::get<value>(std::move(v));
  }
  value nested(int depth) { return plain(element(depth)); }

  swept_value element(int depth) {
    if (depth > max_depth) fail("'", line_.substr(0, 80), "...': nested deeper than ", max_depth, " levels");
    skip_space();
    if (done()) unexpected();
    switch (peek()) {
      case '[': return list(depth);
      case '{': return map(depth);
      case '\'':
      case '"': return quoted_value();
      default: return function_name() ? call(depth) : swept_value(word(false));
    }
  }

  // Whether a name and a parenthesis stand here: "range(", "sort (".
  bool function_name() const {
    std::size_t k = i_;
    if (k >= s_.size() || !(is_letter(s_[k]) || s_[k] == '_')) return false;
    while (k < s_.size() && (is_letter(s_[k]) || is_digit(s_[k]) || s_[k] == '_' || s_[k] == '-')) ++k;
    while (k < s_.size() && (s_[k] == ' ' || s_[k] == '\t')) ++k;
    return functions_ && k < s_.size() && s_[k] == '(';
  }

  swept_value call(int depth) {
    std::string name(s_.substr(i_, s_.find_first_of(" \t(", i_) - i_));
    i_ = s_.find('(', i_) + 1;
    std::vector<argument> arguments;
    if (!take(')')) {
      do {
        std::string called = argument_name();
        swept_value given = element(depth + 1);
        if (value* v = std::get_if<value>(&given); v && v->is(kind::string)) v->set_written("");
        arguments.push_back({std::move(called), std::move(given)});
      } while (take(','));
      if (!take(')')) unexpected();
    }
    try {
      return function_call(std::move(name), std::move(arguments)).result();
    } catch (const error& e) {
      fail("'", line_, "': ", e.what());
    }
  }
  std::string argument_name() {
    skip_space();
    std::size_t k = i_;
    while (k < s_.size() && (is_letter(s_[k]) || s_[k] == '_')) ++k;
    const std::size_t end = k;
    while (k < s_.size() && s_[k] == ' ') ++k;
    if (end == i_ || k >= s_.size() || s_[k] != '=') return "";
    std::string name(s_.substr(i_, end - i_));
    i_ = k + 1;
    return name;
  }

  value list(int depth) {
    ++i_;
    value::list items;
    if (take(']')) return value(std::move(items));
    do items.push_back(nested(depth + 1));
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
      v[name] = nested(depth + 1);
    } while (take(','));
    if (!take('}')) unexpected();
    return v;
  }

  // Keeps what was typed: rendered again, it is quoted again.
  value quoted_value() {
    const std::size_t from = i_;
    value v(quoted());
    v.set_written(std::string(s_.substr(from, i_ - from)));
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
  bool functions_;
  std::size_t i_ = 0;
};

}  // namespace detail

// The value that `text` stands for as the argument of a resolver.
inline value parse_override_value(const std::string& text) {
  const swept_value v = detail::override_parser(text, text, false).parse();
  if (!std::holds_alternative<value>(v)) fail("'", text, "': one value is expected; quote it to have a string with a comma");
  return std::get<value>(v);
}

// The value as it can be typed behind "key=" again.
inline std::string typed_text(const value& v) {
  if (v.is_null()) return "null";
  std::string out;
  if (v.is(kind::list)) {
    for (const value& item : v.items()) out += (out.empty() ? "" : ",") + typed_text(item);
    return "[" + out + "]";
  }
  if (v.is(kind::map)) {
    for (const value::entry& e : v.entries())
      out += (out.empty() ? "" : ",") + typed_text(value(e.key)) + ":" + typed_text(e.item);
    return "{" + out + "}";
  }
  if (!v.is(kind::string)) return python_text(v);
  if (!v.written().empty()) return v.written();
  if (!v.text().empty() && !detail::word_value(v.text()).is(kind::string)) return "'" + v.text() + "'";  // str(1)
  for (const char c : v.text()) {
    if (std::string_view("\\()[]{}:=, \t").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace avss::config
