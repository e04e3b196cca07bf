// What a plain YAML scalar means: YAML 1.1 as the Python loaders of Hydra's users read it (yes is true, 012 is ten,
// 1:30 is ninety, 1e3 is a number, dates stay text).
#pragma once

#include <avss/config/value.hpp>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace avss::config {

namespace detail {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

inline bool one_of(std::string_view s, std::initializer_list<std::string_view> words) {
  for (std::string_view w : words)
    if (s == w) return true;
  return false;
}

// A cursor over the text to be matched.
struct matcher {
  std::string_view s;
  std::size_t i = 0;

  bool done() const { return i == s.size(); }
  bool take(std::string_view set) { return !done() && set.find(s[i]) != std::string_view::npos ? (++i, true) : false; }
  std::size_t take_all(std::string_view set) {
    const std::size_t from = i;
    while (take(set)) {
    }
    return i - from;
  }
  // Digits with single underscores between them.
  bool grouped_digits() {
    if (!take(digits)) return false;
    while (true) {
      if (take(digits)) continue;
      if (i + 1 < s.size() && s[i] == '_' && is_digit(s[i + 1])) {
        i += 2;
        continue;
      }
      return true;
    }
  }
  // At least one ":" and a number below sixty.
  bool sixties() {
    bool any = false;
    while (i + 1 < s.size() && s[i] == ':' && is_digit(s[i + 1])) {
      const bool two = i + 2 < s.size() && is_digit(s[i + 2]);
      if (two && s[i + 1] > '5') return false;
      i += two ? 3 : 2;
      any = true;
    }
    return any;
  }
  static constexpr std::string_view digits = "0123456789";
  static constexpr std::string_view digits_ = "0123456789_";
};

inline std::string without_underscores(std::string_view s) {
  std::string t(s);
  std::erase(t, '_');
  return t;
}

inline std::optional<std::int64_t> parse_int64(bool negative, const std::string& digits, int base) {
  std::uint64_t n = 0;
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), n, base);
  const std::uint64_t limit = std::uint64_t{1} << 63;
  if (r.ec != std::errc() || r.ptr != digits.data() + digits.size() || n > limit - (negative ? 0 : 1)) return std::nullopt;
  return negative ? static_cast<std::int64_t>(~n + 1) : static_cast<std::int64_t>(n);
}

[[noreturn]] inline void too_large(std::string_view s) {
  fail("the integer ", s, " does not fit in 64 bits; write it as a number (1e20) or quote it");
}

inline double parse_double(const std::string& s) {
  double x = 0;
  const char* first = s.data() + (s[0] == '+');
  const auto r = std::from_chars(first, s.data() + s.size(), x);
  return r.ec == std::errc() ? x : std::strtod(s.c_str(), nullptr);  // out of range: infinity or zero
}

// Sum of the parts times powers of sixty.
inline double from_sixties(std::string_view s) {
  double sum = 0;
  while (true) {
    const std::size_t colon = s.find(':');
    const std::string part(s.substr(0, colon));
    sum = sum * 60 + parse_double(part);
    if (colon == std::string_view::npos) return sum;
    s.remove_prefix(colon + 1);
  }
}

inline std::optional<value> yaml_integer(std::string_view s) {
  matcher m{s};
  m.take("+-");
  const std::size_t from = m.i;
  const bool negative = s[0] == '-';
  const auto result = [&](const std::string& digits, int base) -> std::optional<value> {
    if (digits.empty()) return std::nullopt;
    const auto n = parse_int64(negative, digits, base);
    if (!n) too_large(s);
    return value(*n);
  };
  if (m.done()) return std::nullopt;
  const std::string_view body = s.substr(from);
  const auto all_of = [&](std::size_t start, std::string_view set) {
    return body.size() > start && body.find_first_not_of(set, start) == std::string_view::npos;
  };
  if (body == "0") return result("0", 10);
  if (body.starts_with("0b") && all_of(2, "01_")) return result(without_underscores(body.substr(2)), 2);
  if (body.starts_with("0x") && all_of(2, "0123456789abcdefABCDEF_")) return result(without_underscores(body.substr(2)), 16);
  if (body[0] == '0') return all_of(1, "01234567_") ? result(without_underscores(body), 8) : std::nullopt;
  if (!is_digit(body[0])) return std::nullopt;
  if (all_of(0, matcher::digits_)) return result(without_underscores(body), 10);
  m.take_all(matcher::digits_);
  if (!m.sixties() || !m.done()) return std::nullopt;
  const double n = from_sixties(without_underscores(body));
  if (!(n < 9e15)) too_large(s);
  return value(static_cast<std::int64_t>(negative ? -n : n));
}

inline std::optional<value> yaml_real(std::string_view s) {
  if (one_of(s, {".nan", ".NaN", ".NAN"})) return value(std::numeric_limits<double>::quiet_NaN());
  const bool sign = s[0] == '+' || s[0] == '-';
  const bool negative = s[0] == '-';
  const std::string_view body = s.substr(sign);
  const double inf = std::numeric_limits<double>::infinity();
  if (one_of(body, {".inf", ".Inf", ".INF"})) return value(negative ? -inf : inf);
  const auto exponent = [](matcher& m, bool sign_needed) {  // true also when there is none
    if (!m.take("eE")) return true;
    const bool has_sign = m.take("+-");
    return (has_sign || !sign_needed) && m.take_all(matcher::digits) > 0;
  };
  const auto number = [&](std::string_view t) { return value(parse_double(without_underscores(t))); };
  {  // .5, without a sign
    matcher m{s};
    if (m.take(".") && m.take(matcher::digits)) {
      m.take_all(matcher::digits_);
      if (exponent(m, true) && m.done()) return number(s);
      return std::nullopt;
    }
  }
  {  // 1.5, 1.5e3, 1e3
    matcher m{body};
    if (m.grouped_digits()) {
      const bool point = m.take(".");
      if (point) m.take_all(matcher::digits_);
      if (!m.done() || point) {
        const bool has_exponent = !m.done();
        if (exponent(m, false) && m.done() && (point || has_exponent)) return number(s);
      }
    }
  }
  {  // 1_.5, and 1:30.5
    matcher m{body};
    if (!m.take(matcher::digits)) return std::nullopt;
    m.take_all(matcher::digits_);
    const bool sixties = m.sixties();
    if (!m.take(".")) return std::nullopt;
    m.take_all(matcher::digits_);
    if (!sixties) return exponent(m, true) && m.done() ? std::optional(number(s)) : std::nullopt;
    if (!m.done()) return std::nullopt;
    const double x = from_sixties(without_underscores(body));
    return value(negative ? -x : x);
  }
}

}  // namespace detail

// The value of an unquoted YAML scalar.
inline value yaml_scalar(std::string_view s) {
  using detail::one_of;
  if (one_of(s, {"", "~", "null", "Null", "NULL"})) return value();
  if (one_of(s, {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) return value(true);
  if (one_of(s, {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) return value(false);
  if (std::string_view("+-.0123456789").find(s[0]) != std::string_view::npos && s.size() < 1000) {
    if (auto n = detail::yaml_integer(s)) return *n;
    if (auto x = detail::yaml_real(s)) return *x;
  }
  return value(std::string(s));
}

// A scalar within a text, as Python writes it: None, True, 1e-05, inf.
inline std::string python_text(const value& v) {
  if (v.is_null()) return "None";
  if (v.is(kind::boolean)) return v.boolean() ? "True" : "False";
  if (v.is(kind::integer)) return std::to_string(v.integer());
  if (!v.is(kind::real)) return v.text();
  std::string t = number_text(v.real());
  if (const std::size_t e = t.find(".0e"); e != std::string::npos) t.erase(e, 2);
  if (!std::isfinite(v.real())) std::erase(t, '.');
  return t;
}

}  // namespace avss::config
