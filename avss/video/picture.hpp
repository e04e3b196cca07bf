// Grey pictures, faces in them, and the 68 landmarks of a face.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace avss {

// Grey values 0 .. 255, row by row from the top left.
struct grey_picture {
  std::size_t width = 0, height = 0;
  std::vector<std::uint8_t> pixels;  // [height][width]
};

// Pixels; the centre of the first one is (0, 0), x goes right and y down.
struct point {
  double x = 0, y = 0;
};

// iBUG's order: 0..16 the jaw, 17..26 the brows, 27..35 the nose, 36..47 the eyes, 48..67 the mouth.
using landmarks68 = std::array<point, 68>;

struct face_box {
  double left = 0, top = 0, width = 0, height = 0;  // pixels
  double score = 0;                                 // the detector's, larger is surer

  point centre() const { return {left + width / 2, top + height / 2}; }
};

// What two boxes share, of what they cover together: 0 .. 1.
inline double overlap(const face_box& a, const face_box& b) {
  const double w = std::min(a.left + a.width, b.left + b.width) - std::max(a.left, b.left);
  const double h = std::min(a.top + a.height, b.top + b.height) - std::max(a.top, b.top);
  if (w <= 0 || h <= 0) return 0;
  return w * h / (a.width * a.height + b.width * b.height - w * h);
}

}  // namespace avss
