// A face finder for tests that sees white squares on black.
#pragma once

#include <algorithm>
#include <avss/video/face_finder.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace avss::testing {

// A square of one grey value from 200 on is a face, its score the value; landmarks are spread over the box. Several squares
// must have different values.
class fake_faces final : public face_finder {
 public:
  std::vector<face_box> find(const grey_picture& picture, double smallest) override {
    ++searches;
    return boxes(picture, smallest);
  }
  std::vector<face_box> find_near(const grey_picture& picture, const face_box& near) override {
    std::vector<face_box> close;
    for (const face_box& b : boxes(picture, 1))
      if (overlap(b, near) > 0) close.push_back(b);
    return close;
  }
  landmarks68 landmarks(const grey_picture&, const face_box& f) override { return spread(f); }

  // The stable points and the mouth lie as in the mean face, others at the box's centre.
  static landmarks68 spread(const face_box& f) {
    landmarks68 points;
    const auto at = [&](double x, double y) {
      return point{f.left + f.width * (x - 80) / 100, f.top + f.height * (y - 80) / 100};
    };
    points.fill(f.centre());
    points[28] = at(128.5, 106.9), points[33] = at(128.9, 137.3), points[36] = at(92.5, 94.4), points[39] = at(112.8, 94.9);
    points[42] = at(145.5, 94.5), points[45] = at(166.7, 93.6);
    for (std::size_t i = 48; i < 68; ++i) points[i] = at(129.3, 157.8);
    points[48] = at(107.2, 157.2), points[54] = at(152.2, 157.0);
    return points;
  }

  std::size_t searches = 0;

 private:
  static std::vector<face_box> boxes(const grey_picture& p, double smallest) {
    std::vector<face_box> found;
    for (int value = 255; value >= 200; --value) {
      std::size_t left = p.width, top = p.height, right = 0, bottom = 0;
      for (std::size_t y = 0; y < p.height; ++y)
        for (std::size_t x = 0; x < p.width; ++x)
          if (p.pixels[y * p.width + x] == value) {
            left = std::min(left, x), right = std::max(right, x + 1);
            top = std::min(top, y), bottom = std::max(bottom, y + 1);
          }
      if (right > left && static_cast<double>(bottom - top) >= smallest)
        found.push_back({static_cast<double>(left), static_cast<double>(top), static_cast<double>(right - left),
                         static_cast<double>(bottom - top), static_cast<double>(value)});
    }
    return found;
  }
};

inline void draw_square(grey_picture& p, int left, int top, int side, std::uint8_t value) {
  for (int y = std::max(0, top); y < std::min(static_cast<int>(p.height), top + side); ++y)
    for (int x = std::max(0, left); x < std::min(static_cast<int>(p.width), left + side); ++x)
      p.pixels[static_cast<std::size_t>(y) * p.width + static_cast<std::size_t>(x)] = value;
}

}  // namespace avss::testing
