// Cuts of a film: where one picture has nothing to do with the one before it.
#pragma once

#include <array>
#include <avss/video/picture.hpp>
#include <cmath>
#include <cstddef>

namespace avss {

// Compares pictures by their means over 32 x 18 fields. A cut changes what is bright and what is dark: the fields of both
// pictures are hardly correlated, and most have changed. Motion and pans leave most of them alike, so does what moves in front
// of the camera; a flash or a lamp that is switched on scales them all. A dissolve is no cut.
class scene_cut {
 public:
  static constexpr std::size_t columns = 32, rows = 18, fields = columns * rows;
  double least_correlation = 0.6;
  double changed = 10;         // grey values by which a field has: two nearly black pictures do not correlate either
  double least_fields = 0.35;  // of all, that have changed

  // Whether this picture begins a new scene; the first one does not.
  bool operator()(const grey_picture& picture) {
    const std::array<double, fields> now = means(picture);
    const bool cut = any_ && differ(before_, now);
    before_ = now;
    any_ = true;
    return cut;
  }

 private:
  static std::array<double, fields> means(const grey_picture& p) {
    std::array<double, fields> sum{};
    std::array<std::size_t, fields> count{};
    const std::size_t step = p.height >= 4 * rows ? 2 : 1;  // every other line and column is enough
    for (std::size_t y = 0; y < p.height; y += step)
      for (std::size_t x = 0; x < p.width; x += step) {
        const std::size_t f = y * rows / p.height * columns + x * columns / p.width;
        sum[f] += p.pixels[y * p.width + x];
        ++count[f];
      }
    for (std::size_t f = 0; f < fields; ++f)
      if (count[f] > 0) sum[f] /= static_cast<double>(count[f]);
    return sum;
  }

  bool differ(const std::array<double, fields>& a, const std::array<double, fields>& b) const {
    double mean_a = 0, mean_b = 0, others = 0;
    for (std::size_t f = 0; f < fields; ++f) mean_a += a[f], mean_b += b[f], others += std::abs(a[f] - b[f]) > changed;
    if (others < least_fields * fields) return false;
    mean_a /= fields, mean_b /= fields;
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t f = 0; f < fields; ++f) {
      ab += (a[f] - mean_a) * (b[f] - mean_b);
      aa += (a[f] - mean_a) * (a[f] - mean_a);
      bb += (b[f] - mean_b) * (b[f] - mean_b);
    }
    return ab < least_correlation * std::sqrt(aa * bb) || aa == 0 || bb == 0;
  }

  std::array<double, fields> before_{};
  bool any_ = false;
};

}  // namespace avss
