// Images on their way through a convolution by winograd.hpp: to the values of their tiles at the points, through the products,
// and back.
#pragma once

#include <algorithm>
#include <avss/cpu/image_curve.hpp>
#include <avss/cpu/winograd.hpp>

namespace avss::cpu_kernel {

// The inputs of a tile, at `from`, to its values at the points, to `to`. [channels] each.
template <bool Tall, bool Wide>
[[gnu::noinline]] void enter_tile(dim_t channels, const float* const* from, float* const* to) {
  using V = simd::vec;
  constexpr int rows = Tall ? 6 : 5, columns = Wide ? 6 : 5;
  for (dim_t c = 0; c < channels; c += simd::lanes) {
    V across[toom::points][toom::points];  // [column's point][row]
    for (int r = 0; r < rows; ++r) {
      V line[toom::points], at[toom::points];
      for (int k = 0; k < columns; ++k) line[k] = simd::load<V>(from[r * toom::points + k] + c);
      toom::of_inputs<Wide>(line, at);
      for (int k = 0; k < columns; ++k) across[k][r] = at[k];
    }
    for (int k = 0; k < columns; ++k) {
      V at[toom::points];
      toom::of_inputs<Tall>(across[k], at);
      for (int r = 0; r < rows; ++r) simd::store(to[r * toom::points + k] + c, at[r]);
    }
  }
}

// What is done with a convolution's sums: bend(sum + offset (+ y)).
struct conv_end {
  const float *offset, *slope;  // [channels], or null
  bool add;
  image_curve form;
};

// A tile's products, at `from`, to its outputs, at `to`: null for those beyond the edge.
template <bool Tall, bool Wide>
[[gnu::noinline]] void leave_tile(dim_t channels, const float* const* from, const conv_end& end, float* const* to) {
  using V = simd::vec;
  constexpr int rows = Tall ? 6 : 5, columns = Wide ? 6 : 5;
  for (dim_t c = 0; c < channels; c += simd::lanes) {
    V across[4][toom::points];  // [column][row's point]
    for (int r = 0; r < rows; ++r) {
      V line[toom::points], y[4];
      for (int k = 0; k < columns; ++k) line[k] = simd::load<V>(from[r * toom::points + k] + c);
      toom::outputs<Wide>(line, y);
      for (int k = 0; k < columns - 2; ++k) across[k][r] = y[k];
    }
    const V offset = value_or_zero<V>(end.offset, c), slope = value_or_zero<V>(end.slope, c);
    for (int k = 0; k < columns - 2; ++k) {
      V y[4];
      toom::outputs<Tall>(across[k], y);
      for (int r = 0; r < rows - 2; ++r)
        if (float* const place = to[r * 4 + k]) {
          V v = y[r] + offset;
          if (end.add) v += simd::load<V>(place + c);
          simd::store(place + c, curved(end.form, v, slope));
        }
    }
  }
}

// Some of a convolution's images. Every image must have entered before the first product, and every product be made before
// the first leaves; within each step any order will do, by several threads as well.
class winograd_group {
 public:
  // Floats of working memory.
  static dim_t values(const winograd_layout& l, dim_t images) {
    return l.n.channels + l.products() * images * (l.n.channels + l.out);
  }

  winograd_group(const winograd_layout& l, const op::image_conv<float>& o, dim_t first, dim_t images, float* memory)
      : l_(l),
        o_(o),
        first_(first),
        images_(images),
        zeros_(memory),
        in_(memory + l.n.channels),
        out_(in_ + l.products() * images * l.n.channels) {
    std::fill(memory, in_, 0.f);
  }

  dim_t images() const { return images_; }

  void enter(dim_t image) const {
    const float* const x = o_.x + (first_ + image) * l_.n.each();
    for_tiles([&](dim_t row, dim_t column) {
      const float* from[winograd_layout::points];
      for (int i = 0; i < winograd_layout::points; ++i) {
        const dim_t h = l_.rows.first(row) + i / toom::points - 1, w = l_.columns.first(column) + i % toom::points - 1;
        const bool inside = h >= 0 && h < l_.n.height && w >= 0 && w < l_.n.width;
        from[i] = inside ? x + (h * l_.n.width + w) * l_.n.channels : zeros_;
      }
      float* to[winograd_layout::points];
      places(image, row, column, in_, l_.n.channels, to);
      by_size(row, column, [&]<bool Tall, bool Wide>() { enter_tile<Tall, Wide>(l_.n.channels, from, to); });
    });
  }

  // Products, [point, panel] each.
  dim_t products() const { return winograd_layout::points * l_.panels(); }
  void multiply(dim_t product) const {
    const int point = static_cast<int>(product / l_.panels());
    const dim_t panel = product % l_.panels(), in = l_.n.channels, from = panel * panel_width;
    multiply_panel(images_ * l_.tiles(point), in, l_.width(panel), in_ + l_.place(point, images_, in), in,
                   o_.packed + l_.packed(point) + from * in, out_ + l_.place(point, images_, l_.out) + from, l_.out);
  }

  void leave(dim_t image) const {
    float* const y = o_.y + (first_ + image) * l_.n.plane() * l_.out;
    const conv_end end{o_.plan.offset ? o_.offset : nullptr, o_.slope, o_.plan.add, o_.plan.form};
    for_tiles([&](dim_t row, dim_t column) {
      float* from[winograd_layout::points];
      places(image, row, column, out_, l_.out, from);
      float* to[16];
      for (int i = 0; i < 16; ++i) {
        const dim_t h = l_.rows.first(row) + i / 4, w = l_.columns.first(column) + i % 4;
        to[i] = h < l_.n.height && w < l_.n.width ? y + (h * l_.n.width + w) * l_.out : nullptr;
      }
      by_size(row, column, [&]<bool Tall, bool Wide>() { leave_tile<Tall, Wide>(l_.out, from, end, to); });
    });
  }

 private:
  template <class Body>
  void for_tiles(Body&& body) const {
    for (dim_t row = 0; row < l_.rows.count(); ++row)
      for (dim_t column = 0; column < l_.columns.count(); ++column) body(row, column);
  }

  // Where a tile's values at the points lie; of points that it does not have this says nothing.
  void places(dim_t image, dim_t row, dim_t column, float* base, dim_t channels,
              float* (&place)[winograd_layout::points]) const {
    for (int p = 0; p < winograd_layout::points; ++p)
      place[p] = base + l_.place(p, images_, channels) + l_.tile(p, image, row, column) * channels;
  }

  template <class Body>
  void by_size(dim_t row, dim_t column, Body&& body) const {
    const bool tall = l_.rows.is_four(row), wide = l_.columns.is_four(column);
    if (tall)
      wide ? body.template operator()<true, true>() : body.template operator()<true, false>();
    else
      wide ? body.template operator()<false, true>() : body.template operator()<false, false>();
  }

  const winograd_layout& l_;
  const op::image_conv<float>& o_;
  dim_t first_, images_;
  float *zeros_, *in_, *out_;
};

}  // namespace avss::cpu_kernel
