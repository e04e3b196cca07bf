// Sixteen floats at a time, in the compiler's own vector types: AVX-512, AVX2 or less, whatever the build targets. Functions
// that take or give vectors are always inlined: without AVX-512 there is no register in which one could be passed.
#pragma once

#include <avss/core/shape.hpp>
#include <cmath>
#include <cstring>

// GCC warns that another target would pass these vectors in another way. All that do are inlined, here and in whatever
// includes this header, so there is nothing to pass; and a warning for every user of the library would hide his own.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace avss::simd {

inline constexpr dim_t lanes = 16;
using vec = float __attribute__((vector_size(lanes * sizeof(float))));

template <class V>
inline V load(const float* p) {
  V v;
  std::memcpy(&v, p, sizeof(V));
  return v;
}
template <class V>
inline void store(float* p, V v) {
  std::memcpy(p, &v, sizeof(V));
}

// body(V{}, t) for every place of [0, n): V is vec for sixteen places from t on, float for single ones at the end.
template <class Body>
inline void for_each(dim_t n, Body&& body) {
  dim_t t = 0;
  for (; t + lanes <= n; t += lanes) body(vec{}, t);
  for (; t < n; ++t) body(0.f, t);
}

// Asks for a row that is needed soon: a tile's rows are far apart in memory, too far for the hardware to guess the next.
inline void prefetch(const float* p, dim_t n) {
  for (dim_t t = 0; t < n; t += lanes) __builtin_prefetch(p + t);
}

// A sum over a short row: sixteen partial sums, and one for the rest, in float; their total in double.
struct row_sum {
  vec wide{};
  float rest = 0;

  void add(vec v) { wide += v; }
  void add(float v) { rest += v; }
  double total() const {
    double sum = rest;
    for (dim_t i = 0; i < lanes; ++i) sum += wide[i];
    return sum;
  }
};

inline float exp(float x) { return std::exp(x); }

// e^x to 2 ulp for |x| < 87, saturating beyond: 2^n p(r), r in [-ln2/2, ln2/2]. Cody and Waite's reduction, the polynomial
// is the minimax one of degree 6 (relative error 2e-8).
template <class Integers, class V>
[[gnu::always_inline]] inline V exp_of(V x) {
  const V low = V{} - 87.f, high = V{} + 87.f;
  x = x > high ? high : x;
  x = x < low ? low : x;
  const V scaled = x * 1.44269504088896341f;
  const V magic = V{} + 12582912.f;  // 1.5 * 2^23: adding it rounds to the nearest integer
  const V rounded = (scaled + magic) - magic;
  const V r = (x - rounded * 0.693359375f) - rounded * -2.12194440e-4f;
  V p = V{} + 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  const Integers exponent = (__builtin_convertvector(rounded, Integers) + 127) << 23;
  V power;
  std::memcpy(&power, &exponent, sizeof(power));
  return p * power;
}

[[gnu::always_inline]] inline vec exp(vec x) {
#if defined(__AVX512F__)
  using integers = int __attribute__((vector_size(sizeof(vec))));
  return exp_of<integers>(x);
#else
  // Of vectors without a register GCC makes comparisons and conversions place by place: a fifth of the speed.
  using half = float __attribute__((vector_size(sizeof(vec) / 2)));
  using integers = int __attribute__((vector_size(sizeof(half))));
  half part[2];
  std::memcpy(part, &x, sizeof(x));
  for (half& h : part) h = exp_of<integers>(h);
  std::memcpy(&x, part, sizeof(x));
  return x;
#endif
}

template <class V>
[[gnu::always_inline]] inline V sigmoid(V x) {
  return 1.f / (1.f + exp(-x));
}

}  // namespace avss::simd
