// A colour map for pictures of spectra: from near black over violet and red to pale yellow, in equal steps to the eye.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numbers>
#include <string>
#include <vector>

namespace avss {

using rgb = std::array<std::uint8_t, 3>;    // sRGB
using colour_table = std::array<rgb, 256>;  // darkest first
using oklab = std::array<double, 3>;        // lightness from 0 to 1, green to red, blue to yellow

namespace detail {

// Linear sRGB, outside [0, 1] for colours that no screen shows. (B. Ottosson, "A perceptual color space for image
// processing", 2020.)
inline std::array<double, 3> linear_of(const oklab& c) {
  const auto cubed = [](double v) { return v * v * v; };
  const double l = cubed(c[0] + 0.3963377774 * c[1] + 0.2158037573 * c[2]);
  const double m = cubed(c[0] - 0.1055613458 * c[1] - 0.0638541728 * c[2]);
  const double s = cubed(c[0] - 0.0894841775 * c[1] - 1.2914855480 * c[2]);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

inline bool shown(const oklab& c) {
  const auto v = linear_of(c);
  return std::all_of(v.begin(), v.end(), [](double x) { return x >= 0 && x <= 1; });
}

inline std::uint8_t encoded(double linear) {
  const double v = std::clamp(linear, 0., 1.);
  return static_cast<std::uint8_t>(std::lround(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055)));
}

// A point of the path through the colours, t from 0 to 1: lightness rises evenly, the hue turns from indigo to yellow, and
// the chroma is as high as its arch and the screen allow.
inline oklab path_at(double t) {
  const double lightness = 0.12 + 0.86 * t, hue = (280 + 180 * t) * std::numbers::pi / 180;
  const auto with = [&](double chroma) { return oklab{lightness, chroma * std::cos(hue), chroma * std::sin(hue)}; };
  double low = 0, high = 0.04 + 0.17 * std::sin(std::numbers::pi * std::pow(t, 0.85));
  if (shown(with(high))) return with(high);
  for (int i = 0; i < 40; ++i) (shown(with((low + high) / 2)) ? low : high) = (low + high) / 2;
  return with(low);
}

inline double distance(const oklab& a, const oklab& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

}  // namespace detail

// The map's colours; neighbours are equally far apart in OKLab, but for the rounding to bytes.
inline const colour_table& colour_map() {
  static const colour_table table = [] {
    constexpr std::size_t fine = 4096;
    std::vector<oklab> path(fine + 1);
    std::vector<double> way(fine + 1, 0.);
    for (std::size_t i = 0; i <= fine; ++i) {
      path[i] = detail::path_at(static_cast<double>(i) / fine);
      if (i > 0) way[i] = way[i - 1] + detail::distance(path[i], path[i - 1]);
    }
    colour_table out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double wanted = way.back() * static_cast<double>(i) / static_cast<double>(out.size() - 1);
      const auto at = static_cast<std::size_t>(std::lower_bound(way.begin(), way.end(), wanted) - way.begin());
      const auto linear = detail::linear_of(path[std::min(at, fine)]);
      for (std::size_t c = 0; c < 3; ++c) out[i][c] = detail::encoded(linear[c]);
    }
    return out;
  }();
  return table;
}

// "#1a2b3c"
inline std::string hex_colour(const rgb& c) {
  char text[8];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", c[0], c[1], c[2]);
  return text;
}

}  // namespace avss
