// Matrix products along sequences whose windows are not laid out: with values [steps, rows, width] of all sequences, what a
// window sees of step l lies at l, l + 1, ... times `rows` vectors on.
#pragma once

#include <avss/cpu/pointwise.hpp>

namespace avss::cpu_kernel {

// y[i] (+)= bias + sum over k of x[i + k shift] M_k, vectors outside of x counting as zero.
struct shifted_product {
  dim_t vectors;        // of y
  dim_t x_vectors;      // of x
  dim_t shift, window;  // shift may be negative
  dim_t in, out;
  bool accumulate;

  dim_t depth() const { return window * in; }
  // Vectors that are worked on together: they stay in the second-level cache.
  dim_t tile() const { return std::clamp<dim_t>((dim_t{1} << 17) / depth() / 16 * 16, 16, 512); }
  dim_t tiles() const { return (vectors + tile() - 1) / tile(); }
  dim_t panel_values(const cpu& backend) const { return window == 1 ? 0 : backend.threads * tile() * depth(); }

  // m [window, in, out]; panels: room for panel_values()
  void run(const cpu& backend, const float* x, const float* m, const float* bias, float* panels, float* y) const {
    for_pieces(backend, tiles(), [&](dim_t i, int worker) {
      const dim_t first = i * tile(), n = std::min(tile(), vectors - first);
      const float* from = x + first * in;
      if (window > 1) {
        float* const panel = panels + worker * tile() * depth();
        lay_out(first, n, x, panel);
        from = panel;
      }
      float* const to = y + first * out;
      for (dim_t v = 0; v < n && bias; ++v) {
        if (accumulate)
          add_row(out, bias, to + v * out);
        else
          std::copy_n(bias, out, to + v * out);
      }
      gemm(transpose::no, transpose::no, n, out, depth(), from, depth(), m, out, accumulate || bias ? 1.f : 0.f, to, out);
    });
  }

 private:
  void lay_out(dim_t first, dim_t n, const float* x, float* panel) const {
    for (dim_t v = first; v < first + n; ++v)
      for (dim_t k = 0; k < window; ++k, panel += in) {
        const dim_t at = v + k * shift;
        if (at < 0 || at >= x_vectors)
          std::fill_n(panel, in, 0.f);
        else
          std::memcpy(panel, x + at * in, static_cast<std::size_t>(in) * sizeof(float));
      }
  }
};

// dM_k = sum over i of x[i + k shift]^T dy[i], in groups of vectors.   x [.., in]   dy [vectors, out]
struct shifted_gradient {
  dim_t vectors, shift, window, in, out;

  dim_t groups() const { return std::clamp<dim_t>(vectors / 512, 1, 16); }
  dim_t size() const { return window * in * out; }

  // dm [groups, window, in, out]
  void run(const cpu& backend, const float* x, const float* dy, float* dm) const {
    for_pieces(backend, groups() * window, [&](dim_t i, int) {
      const dim_t g = i / window, k = i % window;
      const dim_t begin = g * vectors / groups(), end = (g + 1) * vectors / groups();
      gemm(transpose::yes, transpose::no, in, out, end - begin, x + (begin + k * shift) * in, in, dy + begin * out, out, 0.f,
           dm + i * in * out, out);
    });
    for (dim_t g = 1; g < groups(); ++g) add_row(size(), dm + g * size(), dm);
  }
};

// Weights in the order of memory that a product wants: to[i, j, k] from[i a + j b + k c].
struct turned {
  dim_t extent[3];
  dim_t stride[3];

  dim_t size() const { return extent[0] * extent[1] * extent[2]; }
  template <class Body>
  void each(Body&& body) const {
    dim_t to = 0;
    for (dim_t i = 0; i < extent[0]; ++i)
      for (dim_t j = 0; j < extent[1]; ++j)
        for (dim_t k = 0; k < extent[2]; ++k, ++to) body(to, i * stride[0] + j * stride[1] + k * stride[2]);
  }
  const float* lay(const float* from, float* to) const {
    each([&](dim_t t, dim_t f) { to[t] = from[f]; });
    return to;
  }
  void add_back(const float* to, float* from) const {
    each([&](dim_t t, dim_t f) { from[f] += to[t]; });
  }
};

// total[j] += sum of the columns of x [vectors, n], in double over blocks of vectors.
inline void add_columns(dim_t vectors, dim_t n, const float* x, float* total) {
  constexpr dim_t block = 512;
  for (dim_t j = 0; j < n; j += simd::lanes) {
    const dim_t width = std::min(simd::lanes, n - j);
    double sums[simd::lanes] = {};
    for (dim_t first = 0; first < vectors; first += block) {
      float part[simd::lanes] = {};
      for (dim_t v = first; v < std::min(first + block, vectors); ++v)
        for (dim_t k = 0; k < width; ++k) part[k] += x[v * n + j + k];
      for (dim_t k = 0; k < width; ++k) sums[k] += part[k];
    }
    for (dim_t k = 0; k < width; ++k) total[j + k] += static_cast<float>(sums[k]);
  }
}

}  // namespace avss::cpu_kernel
