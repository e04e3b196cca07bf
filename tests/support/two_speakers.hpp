// Signals of two speakers that tests make anew.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

namespace avss::testing {

// u = x / 2^32 * 2 - 1, x = (1664525 x + 1013904223) mod 2^32.
inline std::vector<double> lcg(std::uint32_t seed, std::size_t n) {
  std::vector<double> u(n);
  std::uint32_t x = seed;
  for (double& v : u) {
    x = x * 1664525u + 1013904223u;
    v = x / 4294967296.0 * 2 - 1;
  }
  return u;
}

// Two modulated noises of 2 s at 16 kHz, and estimates with echo, crosstalk, noise and offset.
struct two_speakers {
  static constexpr std::size_t n = 32000;
  std::vector<double> s1, s2, e1, e2;

  two_speakers() : s1(n), s2(n), e1(n), e2(n) {
    const auto u1 = lcg(101, n), u2 = lcg(102, n), u3 = lcg(103, n), u4 = lcg(104, n);
    const auto envelope = [](double f, double phase, std::size_t t) {
      const double s = std::sin(2 * std::numbers::pi * f * static_cast<double>(t) / 16000 + phase);
      return s > 0 ? s * s : 0;
    };
    for (std::size_t t = 0; t < n; ++t) {
      s1[t] = 0.5 * u1[t] * envelope(2.3, 0, t);
      s2[t] = 0.5 * u2[t] * envelope(3.1, 1, t);
    }
    for (std::size_t t = 0; t < n; ++t) {
      e1[t] = 0.8 * s1[t] + (t >= 5 ? 0.3 * s1[t - 5] : 0) + 0.1 * s2[t] + 0.01 * u3[t] + 0.01;
      e2[t] = 0.7 * s2[t] + 0.2 * s1[t] + 0.01 * u4[t];
    }
  }
};

}  // namespace avss::testing
