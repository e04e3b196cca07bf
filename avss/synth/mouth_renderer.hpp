// Pictures of mouths: an outline, lit and filmed.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/random.hpp>
#include <avss/synth/face.hpp>
#include <avss/synth/face_surface.hpp>
#include <avss/synth/mouth_outline.hpp>
#include <avss/synth/viseme.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace avss {

// Draws the frames of one clip. Edges are anti-aliased by the share of the pixel that they cover. Each frame is a function of
// the face, the clip's look, the shape and the frame's number.
class mouth_renderer {
 public:
  static constexpr std::size_t size = 96;

  mouth_renderer(const face& f, const clip_look& look) : face_(f), look_(look), surface_(f) {}

  // picture [96, 96]
  void draw(const mouth_shape& shape, std::size_t frame, std::span<std::uint8_t> picture) const {
    const mouth_outline mouth = outline_of(face_, shape);
    const head_pose pose = pose_at(look_, frame);
    const camera view(look_, pose, mouth);
    // One row and column more on each side, for the slopes.
    constexpr std::size_t wide = size + 2;
    std::array<double, wide * wide> heights;
    std::array<material, wide * wide> paint;
    for (std::size_t row = 0; row < wide; ++row)
      for (std::size_t column = 0; column < wide; ++column) {
        const auto [x, y] = view.on_face(static_cast<double>(column) - 1, static_cast<double>(row) - 1);
        const std::size_t at = row * wide + column;
        paint[at] = surface_.at(mouth, shape, x, y);
        heights[at] = paint[at].height;
      }
    std::array<double, size * size> lit;
    for (std::size_t row = 0; row < size; ++row)
      for (std::size_t column = 0; column < size; ++column) {
        const std::size_t at = (row + 1) * wide + column + 1;
        lit[row * size + column] =
            brightness(paint[at], (heights[at + 1] - heights[at - 1]) / 2, (heights[at + wide] - heights[at - wide]) / 2,
                       view.border(static_cast<double>(column), static_cast<double>(row)));
      }
    expose(lit, frame, picture);
  }

 private:
  // From pixels to the face: the crop follows the mouth's middle, as crops by landmarks do.
  class camera {
   public:
    camera(const clip_look& c, const head_pose& p, const mouth_outline& m)
        : look_(c), cos_(std::cos(c.roll + p.roll)), sin_(std::sin(c.roll + p.roll)) {
      x_ = 47.5 + c.centre_x + p.x;
      y_ = 47.5 + c.centre_y + p.y - 0.45 * (m.drop - m.rise) * c.scale;
    }
    std::pair<double, double> on_face(double column, double row) const {
      const double dx = (column - x_) / look_.scale, dy = (row - y_) / look_.scale;
      const double x = cos_ * dx + sin_ * dy, y = cos_ * dy - sin_ * dx;
      // A turned head shows more of one side.
      return {x * (1 + 0.2 * std::abs(look_.yaw) + 0.006 * look_.yaw * x) + 3 * look_.yaw * (1 - std::exp(-std::abs(y) / 30)),
              y};
    }
    // The share of the pixel within the aligned picture.
    double border(double column, double row) const {
      const double below = row - y_ - look_.border - (column - x_) * (look_.border_slope + sin_);
      return std::clamp(0.5 - below, 0., 1.);
    }

   private:
    const clip_look& look_;
    double cos_, sin_, x_, y_;
  };

  // Lambert's law, with a gloss where it is wet.
  double brightness(const material& p, double slope_x, double slope_y, double shown) const {
    const double norm = 1 / std::sqrt(1 + slope_x * slope_x + slope_y * slope_y);
    const double lx = look_.light_x, ly = look_.light_y, lz = 1 / std::sqrt(1 + lx * lx + ly * ly);
    const double facing = std::max(0., (1 - slope_x * lx - slope_y * ly) * norm * lz);
    const double gloss = p.gloss * std::pow(facing, 24.);
    const double face = p.albedo * (look_.ambient + (1.1 - look_.ambient) * facing) + gloss;
    return shown * look_.exposure * (face * p.share + look_.background * (1 - p.share));
  }

  // Lens, sensor and rounding.
  void expose(const std::array<double, size * size>& lit, std::size_t frame, std::span<std::uint8_t> picture) const {
    const random_stream grain(look_.seed, "grain", frame);
    const auto at = [&](std::size_t row, std::size_t column) { return lit[row * size + column]; };
    const double b = look_.blur, own = 1 - 2 * b;
    std::array<double, size * size> rows;
    for (std::size_t r = 0; r < size; ++r)
      for (std::size_t c = 0; c < size; ++c)
        rows[r * size + c] = own * at(r, c) + b * (at(r, c > 0 ? c - 1 : 0) + at(r, std::min(c + 1, size - 1)));
    for (std::size_t r = 0; r < size; ++r)
      for (std::size_t c = 0; c < size; ++c) {
        const double up = rows[(r > 0 ? r - 1 : 0) * size + c], down = rows[std::min(r + 1, size - 1) * size + c];
        const double v = own * rows[r * size + c] + b * (up + down);
        const std::size_t i = r * size + c;
        picture[i] = static_cast<std::uint8_t>(std::lround(std::clamp(v * 255 + look_.noise * bell(grain.bits(i)), 0., 255.)));
      }
  }

  // Nearly normal, mean 0, variance 1: the sum of four uniform numbers.
  static double bell(std::uint64_t bits) {
    double sum = 0;
    for (int k = 0; k < 4; ++k, bits >>= 16) sum += static_cast<double>(bits & 0xffff);
    return (sum / 65535 - 2) * std::sqrt(3.);
  }

  face face_;
  clip_look look_;
  face_surface surface_;
};

}  // namespace avss
