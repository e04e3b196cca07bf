#include <gtest/gtest.h>

#include <avss/cpu/simd.hpp>
#include <cmath>
#include <limits>

namespace avss::simd {
namespace {

float lane_of(vec v) { return v[3]; }

TEST(simd, exponential_and_sigmoid_over_the_whole_range) {
  for (double x = -86.9; x < 87; x += 0.0137) {
    const float f = static_cast<float>(x);
    const double exact = std::exp(static_cast<double>(f));
    EXPECT_NEAR(lane_of(simd::exp(vec{} + f)) / exact, 1, 3e-7) << f;
  }
  for (float x : {-200.f, -90.f, -30.f, -1.f, 0.f, 1.f, 30.f, 90.f, 200.f, std::numeric_limits<float>::infinity(),
                  -std::numeric_limits<float>::infinity()}) {
    const double exact = 1 / (1 + std::exp(-static_cast<double>(x)));
    EXPECT_NEAR(lane_of(sigmoid(vec{} + x)), exact, 1e-7) << x;
    EXPECT_NEAR(sigmoid(x), exact, 1e-7) << x;
  }
}

TEST(simd, every_place_of_a_row_once) {
  for (dim_t n : {0, 1, 15, 16, 17, 100}) {
    float row[128] = {}, sum = 0;
    for_each(n, [&](auto v, dim_t t) {
      using V = decltype(v);
      simd::store(row + t, simd::load<V>(row + t) + 1.f);
    });
    row_sum total;
    for_each(n, [&](auto v, dim_t t) { total.add(simd::load<decltype(v)>(row + t)); });
    for (float r : row) sum += r;
    EXPECT_EQ(sum, static_cast<float>(n));
    EXPECT_EQ(total.total(), static_cast<float>(n));
  }
}

}  // namespace
}  // namespace avss::simd
