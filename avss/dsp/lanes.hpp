// Eight doubles at a time, for sums whose order the compiler may not change by itself.
#pragma once

#include <cstddef>
#include <cstring>

// GCC warns that another target would pass these vectors in another way. All functions here are inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace avss::lanes {

inline constexpr std::size_t width = 8;
using vec = double __attribute__((vector_size(width * sizeof(double))));

inline vec load(const double* p) {
  vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(double* p, vec v) { std::memcpy(p, &v, sizeof v); }

inline double total(vec v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

// sum of a[i] b[i] over n. The result is the same wherever the rows lie.
inline double dot(const double* a, const double* b, std::size_t n) {
  vec s{}, t{}, u{}, v{};  // as many as hide an addition's latency
  std::size_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    s += load(a + i) * load(b + i);
    t += load(a + i + width) * load(b + i + width);
    u += load(a + i + 2 * width) * load(b + i + 2 * width);
    v += load(a + i + 3 * width) * load(b + i + 3 * width);
  }
  for (; i + width <= n; i += width) s += load(a + i) * load(b + i);
  double rest = 0;
  for (; i < n; ++i) rest += a[i] * b[i];
  return total((s + t) + (u + v)) + rest;
}

}  // namespace avss::lanes
