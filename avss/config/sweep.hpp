// Sweeps: the values that an override takes in turn.
#pragma once

#include <algorithm>
#include <avss/config/scalar.hpp>
#include <avss/config/value.hpp>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace avss::config {

// The values that one override takes in turn.
struct sweep {
  enum class form : std::uint8_t { choice, range, glob };
  form kind = form::choice;
  bool simple = false;                        // a,b and not choice(a,b)
  bool shuffled = false;                      // drawn anew for every run
  value::list options;                        // of a choice
  value start, stop, step;                    // of a range: all integers, or numbers
  std::vector<std::string> include, exclude;  // of a glob
};

// What stands on the right of "key=".
using swept_value = std::variant<value, sweep>;

namespace detail {

constexpr std::size_t max_sweep = 100'000;

// A number as digits times a power of ten, as it was written, so that range(0,1,0.1) has 0.3 and not 0.30000000000000004.
struct decimal {
  std::int64_t digits = 0;
  int places = 0;

  static std::optional<decimal> of(const value& v) {
    if (v.is(kind::integer)) return decimal{v.integer(), 0};
    std::string text = number_text(v.real());
    const std::size_t point = text.find('.');
    if (text.find_first_not_of("-.0123456789") != std::string::npos || point == std::string::npos) return std::nullopt;
    const int places = static_cast<int>(text.size() - point - 1);
    text.erase(point, 1);
    const bool negative = text[0] == '-';
    const auto n = parse_int64(negative, text.substr(negative), 10);
    return n ? std::optional(decimal{*n, places}) : std::nullopt;
  }
  // With more places; none if it becomes too large for a double to hold exactly.
  std::optional<std::int64_t> at(int p) const {
    std::int64_t n = digits;
    for (int i = places; i < p; ++i)
      if (__builtin_mul_overflow(n, 10, &n)) return std::nullopt;
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    return n > -exact && n < exact ? std::optional(n) : std::nullopt;
  }
};

inline double as_number(const value& v) { return v.is(kind::integer) ? static_cast<double>(v.integer()) : v.real(); }

inline value::list range_values(const sweep& s) {
  const double first = as_number(s.start), last = as_number(s.stop), by = as_number(s.step);
  if (by == 0 || !std::isfinite(first) || !std::isfinite(last) || !std::isfinite(by))
    fail("range: expected finite numbers and a step that is not 0");
  if ((last - first) / by > static_cast<double>(max_sweep)) fail("range: more than ", max_sweep, " values");
  value::list all;
  if (s.start.is(kind::integer) && s.stop.is(kind::integer) && s.step.is(kind::integer)) {
    std::int64_t i = s.start.integer();
    bool more = true;  // false beyond the largest integer
    for (; more && (by > 0 ? i < s.stop.integer() : i > s.stop.integer());
         more = !__builtin_add_overflow(i, s.step.integer(), &i))
      all.emplace_back(i);
    return all;
  }
  const auto a = decimal::of(s.start), b = decimal::of(s.stop), c = decimal::of(s.step);
  const int places = a && b && c ? std::max({a->places, b->places, c->places}) : 99;
  const auto x = places <= 18 ? a->at(places) : std::nullopt, y = places <= 18 ? b->at(places) : std::nullopt,
             z = places <= 18 ? c->at(places) : std::nullopt;
  if (x && y && z) {
    const double scale = std::pow(10.0, places);
    for (std::int64_t i = *x; *z > 0 ? i < *y : i > *y; i += *z) all.emplace_back(static_cast<double>(i) / scale);
    return all;
  }
  for (std::size_t i = 0;; ++i) {
    const double v = first + static_cast<double>(i) * by;
    if (by > 0 ? v >= last : v <= last) return all;
    all.emplace_back(v);
  }
}

}  // namespace detail

}  // namespace avss::config
