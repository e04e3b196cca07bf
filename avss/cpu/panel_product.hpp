// Matrix products of our own, for factors that are laid out once: rows by panels. An element of the result is summed in the
// order of the depth, whatever stands beside it.
#pragma once

#include <algorithm>
#include <array>
#include <avss/cpu/simd.hpp>
#include <utility>

namespace avss::cpu_kernel {

// One register of the machine that is built for: sums of a product must stay in registers, where longer vectors have no place.
#if defined(__AVX512F__)
inline constexpr dim_t product_lanes = 16, product_rows = 14;
#else
inline constexpr dim_t product_lanes = 8, product_rows = 6;
#endif
// Columns of a panel, the last one has what is left.
inline constexpr dim_t panel_width = 2 * product_lanes;

// How many floats ahead a panel is asked for: weights come from far away, and nothing else hides the way where they are read
// for few rows.
inline constexpr dim_t panel_ahead = 1024;

// c [Rows, Vectors x lanes] = a [Rows, depth] b [depth, Vectors x lanes]; the rows of a and c have pitches of their own. All
// sums stay in registers.
template <int Rows, int Vectors>
[[gnu::noinline]] void multiply_rows(dim_t depth, const float* a, dim_t a_pitch, const float* b, float* c, dim_t c_pitch) {
  using V = float __attribute__((vector_size(product_lanes * sizeof(float))));
  V sum[Rows][Vectors] = {};
  for (dim_t k = 0; k < depth; ++k) {
    const float* const line = b + k * Vectors * product_lanes;
    simd::prefetch(line + panel_ahead, Vectors * product_lanes);
    V right[Vectors];
#pragma GCC unroll 64
    for (int v = 0; v < Vectors; ++v) right[v] = simd::load<V>(line + v * product_lanes);
#pragma GCC unroll 64
    for (int r = 0; r < Rows; ++r) {
      const float left = a[r * a_pitch + k];
#pragma GCC unroll 64
      for (int v = 0; v < Vectors; ++v) sum[r][v] += left * right[v];
    }
  }
#pragma GCC unroll 64
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 64
    for (int v = 0; v < Vectors; ++v) simd::store(c + r * c_pitch + v * product_lanes, sum[r][v]);
}

using row_product = void (*)(dim_t, const float*, dim_t, const float*, float*, dim_t);

template <int Vectors, int... R>
constexpr std::array<row_product, sizeof...(R)> row_products(std::integer_sequence<int, R...>) {
  return {multiply_rows<R + 1, Vectors>...};
}

// c [rows, width] = a [rows, depth] b, a panel [depth, width] of one or two vectors.
inline void multiply_panel(dim_t rows, dim_t depth, dim_t width, const float* a, dim_t a_pitch, const float* b, float* c,
                           dim_t c_pitch) {
  static constexpr auto one = row_products<1>(std::make_integer_sequence<int, product_rows>());
  static constexpr auto two = row_products<2>(std::make_integer_sequence<int, product_rows>());
  const auto& products = width == panel_width ? two : one;
  const dim_t blocks = (rows + product_rows - 1) / product_rows;  // as even as can be
  for (dim_t i = 0; i < blocks; ++i) {
    const dim_t from = rows * i / blocks, to = rows * (i + 1) / blocks;
    products[static_cast<std::size_t>(to - from - 1)](depth, a + from * a_pitch, a_pitch, b, c + from * c_pitch, c_pitch);
  }
}

}  // namespace avss::cpu_kernel
