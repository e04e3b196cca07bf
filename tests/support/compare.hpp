// Comparison of arrays, relative to their largest value.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace avss::test {

// How far two arrays of the same size may be apart, as a fraction of the larger array's largest value.
template <class T>
inline constexpr double tolerance = sizeof(T) == sizeof(double) ? 1e-10 : 1e-5;

// max |a - b| / max(max |b|, floor); infinite where one of them is not finite. Two arrays of zeros are equal.
template <class A, class B>
double relative_difference(const A& a, const B& b, double floor = 0) {
  if (std::size(a) != std::size(b)) return std::numeric_limits<double>::infinity();
  double far = 0, top = floor;
  for (std::size_t i = 0; i < std::size(b); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!std::isfinite(d)) return std::numeric_limits<double>::infinity();
    far = std::max(far, d);
    top = std::max(top, std::abs(static_cast<double>(b[i])));
  }
  return far == 0 ? 0 : top == 0 ? far : far / top;
}

template <class A, class B>
void expect_close(const A& a, const B& b, double limit, const std::string& what, double floor = 0) {
  EXPECT_LE(relative_difference(a, b, floor), limit) << what;
}

}  // namespace avss::test
