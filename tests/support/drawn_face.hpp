// Drawn faces: grey, shaded, and like enough to a photograph that dlib's detector takes them for faces.
#pragma once

#include <algorithm>
#include <avss/video/picture.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace avss::testing {

struct drawn_face {
  double x = 0, y = 0;    // pixels, about the bridge of the nose
  double half_width = 0;  // pixels
  double open = 0;        // the mouth, 0 .. 1
};

namespace detail {

// 1 inside (distance < 0), 0 outside, falling within `width`.
inline double inside(double distance, double width) { return std::clamp(0.5 - distance / width, 0., 1.); }
inline double ellipse(double u, double v, double at_u, double at_v, double ru, double rv) {
  return std::hypot((u - at_u) / ru, (v - at_v) / rv) - 1;
}
inline double spot(double u, double v, double at_u, double at_v, double ru, double rv) {
  return std::exp(-std::pow((u - at_u) / ru, 2) - std::pow((v - at_v) / rv, 2));
}
inline void blend(double& value, double weight, double with) { value += weight * (with - value); }

inline void draw_side(double& value, double u, double v, double s) {
  const double eye = s * 0.4;
  blend(value, 0.45 * spot(u, v, eye, -0.2, 0.27, 0.17), 80);
  blend(value,
        inside(std::abs(v + 0.44 + 0.12 * std::abs(u - eye)) - 0.055, 0.06) * inside(std::abs(u - s * 0.42) - 0.27, 0.06), 45);
  blend(value, inside(ellipse(u, v, eye, -0.2, 0.19, 0.085), 0.15), 225);
  blend(value, inside(ellipse(u, v, eye, -0.2, 0.085, 0.09), 0.2), 25);
  blend(value, inside(std::abs(v + 0.285 - 0.9 * std::pow(u - eye, 2)) - 0.02, 0.04) * inside(std::abs(u - eye) - 0.2, 0.05),
        50);
  blend(value, 0.9 * inside(ellipse(u, v, s * 0.12, 0.36, 0.075, 0.04), 0.5), 40);
  blend(value, 0.5 * spot(u, v, s * 0.2, 0.27, 0.05, 0.13), 90);
  blend(value, 0.3 * spot(u, v, s * 0.16, 0, 0.05, 0.3), 110);
}

// u, v: from the bridge of the nose, in half widths of the face.
inline double shade(double value, double u, double v, double open) {
  blend(value, inside(ellipse(u, v, 0, -0.35, 1.12, 1.25), 0.1), 35);                     // hair
  blend(value, inside(std::max(std::abs(u) - 0.55, std::abs(v - 1.6) - 0.9), 0.1), 120);  // neck
  const double skin = 185 - 75 * std::pow(std::min(std::abs(u) / 0.95, 1.), 2.5) - 30 * std::clamp(v - 0.5, 0., 1.);
  blend(value, inside(ellipse(u, v, 0, 0.05, 0.95, 1.3), 0.06), skin);
  draw_side(value, u, v, -1);
  draw_side(value, u, v, 1);
  blend(value, 0.5 * spot(u, v, 0, 0.05, 0.06, 0.3), 225);  // nose
  blend(value, 0.35 * spot(u, v, 0, 0.43, 0.22, 0.05), 80);
  const double half = 0.03 + 0.14 * open;
  blend(value, inside(ellipse(u, v, 0, 0.68, 0.36, 0.09 + 0.7 * half), 0.12), 110);  // lips
  blend(value, inside(ellipse(u, v, 0, 0.68, 0.27, half), 0.25), 30);
  blend(value, 0.35 * spot(u, v, 0, 0.95, 0.25, 0.05), 90);
  return value;
}

}  // namespace detail

inline grey_picture blank(std::size_t width, std::size_t height, std::uint8_t grey = 60) {
  return {width, height, std::vector<std::uint8_t>(width * height, grey)};
}

inline void draw(grey_picture& p, const drawn_face& f) {
  for (std::size_t y = 0; y < p.height; ++y)
    for (std::size_t x = 0; x < p.width; ++x) {
      const double u = (static_cast<double>(x) - f.x) / f.half_width, v = (static_cast<double>(y) - f.y) / f.half_width;
      if (std::abs(u) > 1.4 || v < -2 || v > 2.8) continue;
      std::uint8_t& to = p.pixels[y * p.width + x];
      to = static_cast<std::uint8_t>(std::clamp(detail::shade(to, u, v, f.open), 0., 255.));
    }
}

}  // namespace avss::testing
