#include <gtest/gtest.h>

#include <avss/report/colour_map.hpp>
#include <set>

namespace avss {
namespace {

// From bytes back to OKLab, written down apart from the map: the published forward matrices.
oklab eye(const rgb& c) {
  std::array<double, 3> v{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double x = c[i] / 255.;
    v[i] = x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  }
  const double l = std::cbrt(0.4122214708 * v[0] + 0.5363325363 * v[1] + 0.0514459929 * v[2]);
  const double m = std::cbrt(0.2119034982 * v[0] + 0.6806995451 * v[1] + 0.1073969566 * v[2]);
  const double s = std::cbrt(0.0883024619 * v[0] + 0.2817188376 * v[1] + 0.6299787005 * v[2]);
  return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s, 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
          0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

TEST(colour_map, grows_lighter_from_near_black_to_near_white) {
  const colour_table& map = colour_map();
  EXPECT_LT(eye(map.front())[0], 0.2);
  EXPECT_GT(eye(map.back())[0], 0.93);
  for (std::size_t i = 4; i < map.size(); ++i) EXPECT_GT(eye(map[i])[0], eye(map[i - 4])[0] + 0.002) << i;
}

// Eight colours apart, so that the rounding to bytes is small beside the step.
TEST(colour_map, has_equal_steps) {
  const colour_table& map = colour_map();
  const auto way = [&](std::size_t from, std::size_t to) {
    double sum = 0;
    for (std::size_t i = from; i < to; i += 8) {
      const oklab a = eye(map[i]), b = eye(map[i + 8 < map.size() ? i + 8 : map.size() - 1]);
      sum += std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    }
    return sum;
  };
  const double mean = way(0, 248) / 31;
  for (std::size_t i = 0; i + 8 < map.size(); i += 8) EXPECT_NEAR(way(i, i + 8), mean, 0.2 * mean) << i;
}

TEST(colour_map, has_256_colours) {
  const colour_table& map = colour_map();
  EXPECT_EQ(std::set(map.begin(), map.end()).size(), 256u);
  EXPECT_EQ(hex_colour({1, 0xab, 255}), "#01abff");
}

// The matrices of both directions belong together: white is white, red is red.
TEST(colour_map, converts_known_colours) {
  for (const rgb& c : {rgb{255, 255, 255}, rgb{255, 0, 0}, rgb{0, 128, 255}, rgb{12, 34, 56}}) {
    const auto linear = detail::linear_of(eye(c));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(detail::encoded(linear[i]), c[i]);
  }
}

}  // namespace
}  // namespace avss
