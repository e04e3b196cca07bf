// Cuts a mouth out of a picture.
#pragma once

#include <avss/video/mouth_align.hpp>
#include <avss/video/picture.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace avss {

// The value between pixels, bilinear; 0 outside, towards which the outermost pixels fall off.
inline double sample(const grey_picture& p, double x, double y) {
  const double fx = std::floor(x), fy = std::floor(y);
  const auto w = static_cast<double>(p.width), h = static_cast<double>(p.height);
  if (!(fx >= -1 && fy >= -1 && fx < w && fy < h)) return 0;
  const auto at = [&](double u, double v) -> double {
    if (u < 0 || v < 0 || u >= w || v >= h) return 0;
    return p.pixels[static_cast<std::size_t>(v) * p.width + static_cast<std::size_t>(u)];
  };
  const double ax = x - fx, ay = y - fy;
  return (1 - ay) * ((1 - ax) * at(fx, fy) + ax * at(fx + 1, fy)) + ay * ((1 - ax) * at(fx, fy + 1) + ax * at(fx + 1, fy + 1));
}

// out: [96][96] of the aligned face. The rest of its 256 x 256 is never computed.
inline void crop_mouth(const grey_picture& picture, const mouth_view& view, std::span<std::uint8_t> out) {
  const similarity to_picture = view.to_face.inverse();
  for (int y = 0; y < crop_side; ++y)
    for (int x = 0; x < crop_side; ++x) {
      const point p = to_picture({static_cast<double>(view.left + x), static_cast<double>(view.top + y)});
      out[static_cast<std::size_t>(y * crop_side + x)] = static_cast<std::uint8_t>(std::lround(sample(picture, p.x, p.y)));
    }
}

}  // namespace avss
