#include <gtest/gtest.h>

#include <avss/dsp/fft.hpp>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

template <class T>
void expect_transforms(std::size_t points, double limit) {
  const std::vector<double> re = noise<double>(points, 1), im = noise<double>(points, 2);
  std::vector<std::complex<T>> x(points), scratch;
  for (std::size_t n = 0; n < points; ++n) x[n] = {static_cast<T>(re[n]), static_cast<T>(im[n])};
  const std::vector<std::complex<T>> before = x;
  const fft<T>& plan = fft_of<T>(points);
  plan.forward(x, scratch);
  for (std::size_t k = 0; k < points; ++k) {
    std::complex<double> sum = 0;
    for (std::size_t n = 0; n < points; ++n)
      sum += std::complex<double>(before[n]) *
             std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k * n % points) / static_cast<double>(points));
    ASSERT_NEAR(std::abs(std::complex<double>(x[k]) - sum), 0, limit * std::sqrt(static_cast<double>(points))) << points;
  }
  plan.inverse(x, scratch);
  for (std::size_t n = 0; n < points; ++n) ASSERT_NEAR(std::abs(x[n] / static_cast<T>(points) - before[n]), 0, limit) << points;
}

TEST(fft, equals_its_definition) {
  for (std::size_t points = 1; points <= 1024; points *= 2) {
    expect_transforms<float>(points, 2e-6);
    expect_transforms<double>(points, 1e-13);
  }
  EXPECT_TRUE(says(error_of([] { fft<float>(12); }), "12 points", "power of two"));
  std::vector<std::complex<float>> x(4), scratch;
  EXPECT_TRUE(says(error_of([&] { fft_of<float>(8).forward(x, scratch); }), "8 points", "given 4"));
}

TEST(fft_convolution, equals_the_sum) {
  for (const std::size_t length : {1u, 5u, 300u})
    for (const std::size_t taps : {1u, 2u, 64u, 700u})
      for (const std::size_t start : {0u, 3u, 63u}) {
        const std::vector<float> h = noise(taps, 5), x = noise(length, 6), z = noise(length, 7);
        std::vector<float> a = x, b = z, alone = x;
        fft_convolution c(h, length, start);
        c.apply(a, b);
        c.apply(alone);
        for (std::size_t i = 0; i < length; ++i) {
          double first = 0, second = 0;
          for (std::size_t k = 0; k < length; ++k)
            if (i + start >= k && i + start - k < taps) first += x[k] * h[i + start - k], second += z[k] * h[i + start - k];
          ASSERT_NEAR(a[i], first, 2e-5) << length << ' ' << taps << ' ' << start;
          ASSERT_NEAR(b[i], second, 2e-5);
          ASSERT_NEAR(alone[i], first, 2e-5);
        }
      }
  std::vector<float> x(4);
  EXPECT_TRUE(says(error_of([] { fft_convolution({}, 5); }), "no samples"));
  EXPECT_TRUE(says(error_of([&] { fft_convolution(x, 5).apply(x); }), "5 samples", "given 4"));
}

}  // namespace
}  // namespace avss
