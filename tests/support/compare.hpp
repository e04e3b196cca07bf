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

template <class A>
double largest(const A& a) {
  double top = 0;
  for (double x : a) top = std::max(top, std::abs(x));
  return top;
}

// How far a gradient in T may be from the exact one of the same numbers. A PReLU's slope has one gradient, a sum over all
// channels and frames of terms of either sign: what rounding in all the passes before did to the terms shows in it alone.
template <class T>
constexpr double gradient_tolerance(std::size_t size) {
  return size == 1 && sizeof(T) == sizeof(float) ? 5e-5 : tolerance<T>;
}

// A floor for expect_close of one gradient of a network whose largest gradient is `top`: 0, but for one that is zero in
// theory (the decoder's bias under a loss without means, a bias before a norm). What such a sum leaves is rounding, which is
// held against the gradients it is made of.
template <class A>
double gradient_floor(const A& golden, double top) {
  return largest(golden) < 1e-6 * top ? top : 0;
}

}  // namespace avss::test
