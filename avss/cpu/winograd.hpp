// Convolutions of images with 3 x 3 kernels by fewer multiplications: Lavin and Gray 2016, "Fast algorithms for convolutional
// neural networks", after Toom, Cook and Winograd.
//
// A tile of four outputs along a line is made of six inputs. These, and the kernel's three taps, are turned into six values
// each, at the points 0, +-3/4, +-3/2 and infinity; products of these, summed over the input channels, are turned back. Six
// multiplications stand for twelve, along both sides of an image 36 for 144. The points are such that all constants on the
// way of the images are exact in binary and of like size: float's rounding shows half as much as with the usual 0, +-1, +-2
// (root mean square error with 64 channels, in numpy: 7e-7 of the result's own against 15e-7), no more than in a direct
// convolution's longer sums.
//
// Infinity's product is part of the tile's last output alone, and the sixth input part of that product alone: without both, a
// tile has three outputs. Tiles of four and three cover any length without waste: 22 = 4 x 4 + 2 x 3, 11 = 2 x 4 + 3, 6 =
// 2 x 3.
#pragma once

#include <algorithm>
#include <array>
#include <avss/cpu/panel_product.hpp>
#include <avss/cpu/simd.hpp>
#include <avss/op/image.hpp>

namespace avss::cpu_kernel {

namespace toom {

inline constexpr int points = 6, infinity = 5;
inline constexpr float a = 0.75f, b = 1.5f, aa = a * a, bb = b * b;

// Of three taps, times what interpolation divides by; weights are turned in double, once.
inline void of_taps(const double w0, const double w1, const double w2, double (&at)[points]) {
  constexpr double zero = 1. / (aa * bb), near = 1. / (2. * aa * (aa - bb)), far = 1. / (2. * bb * (bb - aa));
  at[0] = zero * w0;
  at[1] = near * (w0 + a * w1 + aa * w2);
  at[2] = near * (w0 - a * w1 + aa * w2);
  at[3] = far * (w0 + b * w1 + bb * w2);
  at[4] = far * (w0 - b * w1 + bb * w2);
  at[infinity] = w2;
}

// Of six inputs; without infinity, of five.
template <bool Infinity, class V>
[[gnu::always_inline]] inline void of_inputs(const V (&d)[points], V (&at)[points]) {
  at[0] = d[4] - (aa + bb) * d[2] + (aa * bb) * d[0];
  const V near_even = d[4] - bb * d[2], near_odd = d[3] - bb * d[1];
  const V far_even = d[4] - aa * d[2], far_odd = d[3] - aa * d[1];
  at[1] = near_even + a * near_odd;
  at[2] = near_even - a * near_odd;
  at[3] = far_even + b * far_odd;
  at[4] = far_even - b * far_odd;
  if constexpr (Infinity) at[infinity] = d[5] - (aa + bb) * d[3] + (aa * bb) * d[1];
}

// The four outputs of a tile, or three, of the products.
template <bool Infinity, class V>
[[gnu::always_inline]] inline void outputs(const V (&m)[points], V (&y)[4]) {
  const V near_even = m[1] + m[2], near_odd = m[1] - m[2], far_even = m[3] + m[4], far_odd = m[3] - m[4];
  y[0] = m[0] + near_even + far_even;
  y[1] = a * near_odd + b * far_odd;
  y[2] = aa * near_even + bb * far_even;
  if constexpr (Infinity) y[3] = aa * a * near_odd + bb * b * far_odd + m[infinity];
}

}  // namespace toom

// How tiles cover one side of an image: those of four first, then those of three, of which the last may go beyond the edge.
struct tile_line {
  dim_t extent;

  constexpr dim_t count() const { return (extent + 3) / 4; }
  constexpr dim_t fours() const { return std::max<dim_t>(0, extent - 3 * count()); }
  constexpr bool is_four(dim_t tile) const { return tile < fours(); }
  constexpr dim_t first(dim_t tile) const { return 3 * tile + std::min(tile, fours()); }
  // Tiles that have a product at a point.
  constexpr dim_t with(int point) const { return point == toom::infinity ? fours() : count(); }
  constexpr dim_t products() const { return 5 * count() + fours(); }
};

// A convolution's tiles, and where its numbers lie.
class winograd_layout {
 public:
  static constexpr int points = toom::points * toom::points;

  explicit winograd_layout(const op::image_conv_plan& p) : n(p.n), out(p.kernel.out), rows{p.n.height}, columns{p.n.width} {
    for (int i = 0; i < points; ++i) {
      before_[i + 1] = before_[i] + tiles(i);
      rank_[i + 1] = rank_[i] + (tiles(i) > 0);
    }
  }

  // Whether a convolution can be made so, and has at least a third fewer products than there are taps within the image.
  static bool pays(const op::image_conv_plan& p) {
    const op::image_kernel& k = p.kernel;
    if (p.method != conv_method::winograd || k.size != 3 || k.stride != 1 || k.pad != 1) return false;
    if (p.n.channels % simd::lanes || k.out % simd::lanes) return false;
    const dim_t taps = (3 * p.n.height - 2) * (3 * p.n.width - 2);
    return 3 * tile_line{p.n.height}.products() * tile_line{p.n.width}.products() <= 2 * taps;
  }

  // Of one image that have a product at a point (row's point x 6 + column's).
  dim_t tiles(int point) const { return rows.with(point / toom::points) * columns.with(point % toom::points); }
  // Of one image, all points together: products for each pair of channels.
  dim_t products() const { return before_[points]; }
  // Of a point, for so many images: [images, rows, columns, channels] of the tiles that have it.
  dim_t place(int point, dim_t images, dim_t channels) const { return before_[point] * images * channels; }
  dim_t tile(int point, dim_t image, dim_t row, dim_t column) const {
    return (image * rows.with(point / toom::points) + row) * columns.with(point % toom::points) + column;
  }

  // Weights: [points that have tiles, panels, in, columns of the panel].
  dim_t packed() const { return rank_[points] * n.channels * out; }
  dim_t packed(int point) const { return rank_[point] * n.channels * out; }
  dim_t panels() const { return (out + panel_width - 1) / panel_width; }
  dim_t width(dim_t panel) const { return std::min(panel_width, out - panel * panel_width); }

  op::image_size n;
  dim_t out;
  tile_line rows, columns;

 private:
  std::array<dim_t, points + 1> before_{}, rank_{};
};

// weight [out, in, 3, 3], each output channel times its gain -> packed, one panel of it
inline void pack_winograd_panel(const winograd_layout& l, dim_t panel, const float* weight, const float* gain, float* packed) {
  const dim_t in = l.n.channels, width = l.width(panel), first = panel * panel_width;
  for (dim_t c = 0; c < in; ++c)
    for (dim_t j = 0; j < width; ++j) {
      const float* const w = weight + ((first + j) * in + c) * 9;
      const double g = gain ? gain[first + j] : 1;
      double down[3][toom::points], across[toom::points][toom::points];  // [column][point], [column's point][row's point]
      for (int k = 0; k < 3; ++k) toom::of_taps(g * w[k], g * w[3 + k], g * w[6 + k], down[k]);
      for (int r = 0; r < toom::points; ++r) toom::of_taps(down[0][r], down[1][r], down[2][r], across[r]);
      for (int p = 0; p < l.points; ++p)
        if (l.tiles(p) > 0)
          packed[l.packed(p) + (panel * panel_width * in) + c * width + j] =
              static_cast<float>(across[p / toom::points][p % toom::points]);
    }
}

}  // namespace avss::cpu_kernel
