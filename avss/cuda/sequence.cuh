// Linear layers of windows along sequences on the device, and their transposes: one matrix product each. What a product reads
// is unfolded first, in the order of the layers' weights, [in, window]; what it makes to be folded has the places of a window
// outermost, [window, in], so that they are added along their memory, and is made by weights turned likewise.
#pragma once

#include <avss/cuda/column_sums.cuh>
#include <avss/cuda/product.cuh>
#include <avss/cuda/walk.cuh>
#include <cstddef>
#include <cstdint>

namespace avss {
namespace cuda_kernel {

// to[l, n, c, k] = x[l + k, n, c]
struct unfold_windows {
  const float* x;  // [steps, rows, channels]
  dim_t step;      // rows channels
  std::int32_t window;
  float* to;  // [out_steps, rows, channels, window]
  template <class Index>
  AVSS_DEVICE void operator()(Index i) const {
    to[i] = x[i / window + i % window * step];
  }
};

// y[s, n, c] = (y or bias[c] or 0) + sum over k of from[s - k, n, k, c]
struct fold_windows {
  const float* from;   // [in_steps, rows, window, channels]
  dim_t step, values;  // rows channels; in_steps rows channels
  std::int32_t channels, window;
  const float* bias;  // [channels], or null
  bool accumulate;    // to what y is
  float* y;           // [in_steps + window - 1, rows, channels]
  template <class Index>
  AVSS_DEVICE void operator()(Index i) const {
    const Index c = i % static_cast<Index>(channels);
    float sum = accumulate ? y[i] : bias ? bias[c] : 0.f;
    for (std::int32_t k = 0; k < window; ++k) {
      const dim_t at = i - k * step;  // of the vector's value in x
      if (at >= 0 && at < values) sum += from[(at - c) * window + k * channels + c];
    }
    y[i] = sum;
  }
};

// to[r, k, c, o] = from[r, c, k, o]
struct turn_window_body {
  std::int32_t channels, window, innermost;
  const float* from;
  float* to;
  template <class Index>
  AVSS_DEVICE void operator()(Index i) const {
    const Index o = i % innermost, c = i / innermost % channels, k = i / innermost / channels % window,
                r = i / innermost / channels / window;
    to[i] = from[((r * channels + c) * window + k) * innermost + o];
  }
};

// The rows of y before anything is added to them: bias [columns], or zero.
struct fill_rows_body {
  std::int32_t columns;
  const float* bias;
  float* y;
  template <class Index>
  AVSS_DEVICE void operator()(Index i) const {
    y[i] = bias ? bias[i % static_cast<Index>(columns)] : 0.f;
  }
};
inline void fill_rows(const cuda_backend& backend, dim_t rows, dim_t columns, const float* bias, float* y) {
  pass_values(backend, "bias of rows", 0, rows * columns, fill_rows_body{static_cast<std::int32_t>(columns), bias, y});
}

// What becomes of sequences [steps, rows, channels] in windows: out_steps windows of `window` places.
struct window_shape {
  dim_t out_steps, rows, channels, window;

  constexpr dim_t step() const { return rows * channels; }
  constexpr dim_t vectors() const { return out_steps * rows; }
  constexpr dim_t length() const { return channels * window; }  // of a window's vector
  // With one place a window is what it is taken from.
  constexpr bool folds() const { return window > 1; }
};

// x [steps, rows, channels] unfolded.
class unfolded_rows {
 public:
  unfolded_rows(carver& m, const window_shape& n)
      : n_(n), values_(n.folds() ? m.take<float>(n.vectors() * n.length()) : nullptr) {}
  const float* of(const cuda_backend& backend, const float* x) const {
    if (!n_.folds()) return x;
    pass_values(backend, "windows", 0, n_.vectors() * n_.length(),
                unfold_windows{x, n_.step(), static_cast<std::int32_t>(n_.window), values_});
    return values_;
  }

 private:
  window_shape n_;
  float* values_;
};

// A product whose rows are windows, folded.
class folded_product {
 public:
  // The weight is [channels, window, others] where `others_innermost`, [others, channels, window] otherwise.
  folded_product(carver& m, const window_shape& n, dim_t others, bool others_innermost)
      : n_(n), others_(others), innermost_(others_innermost) {
    if (!n.folds()) return;
    weight_ = m.take<float>(others * n.length());
    values_ = m.take<float>(n.vectors() * n.length());
  }
  // y (+)= [vectors, others] weight, folded, + bias [channels] where it is not null
  void run(const cuda_backend& backend, const float* from, const float* weight, const float* bias, bool accumulate, float* y,
           void* workspace) const {
    const dim_t length = n_.length(), row = innermost_ ? others_ : length;
    product p{n_.vectors(), length, others_, 1, {from, others_}, {weight, row, 0, innermost_}, y, 0};
    if (!n_.folds()) {
      if (bias) fill_rows(backend, n_.vectors(), n_.channels, bias, y);
      p.beta = bias || accumulate ? 1.f : 0.f;
      return multiply(backend, p, workspace);
    }
    const auto channels = static_cast<std::int32_t>(n_.channels), window = static_cast<std::int32_t>(n_.window);
    pass_values(backend, "turned weights of a window", 0, others_ * length,
                turn_window_body{channels, window, static_cast<std::int32_t>(innermost_ ? others_ : 1), weight, weight_});
    p.b.data = weight_;
    p.to = values_;
    multiply(backend, p, workspace);
    pass_values(backend, "folded windows", 0, (n_.out_steps + n_.window - 1) * n_.step(),
                fold_windows{values_, n_.step(), n_.out_steps * n_.step(), channels, window, bias, accumulate, y});
  }

 private:
  window_shape n_;
  dim_t others_;
  bool innermost_;
  float *weight_ = nullptr, *values_ = nullptr;
};

inline void* product_memory(carver& m) { return m.take<std::byte>(cuda_backend::product_workspace); }

inline window_shape windows_of(const op::window_size& n) { return {n.out_steps(), n.rows, n.in, n.window}; }
template <class Fold>
window_shape windows_of(const Fold& o) {
  return {o.steps, o.rows, o.out, o.window};
}

struct window_linear_memory {
  explicit window_linear_memory(carver& m, const op::window_size& n) : x(m, windows_of(n)), workspace(product_memory(m)) {}
  unfolded_rows x;
  void* workspace;
};
struct window_linear_back_memory {
  window_linear_back_memory(carver& m, const op::window_size& n, bool in_major)
      : x(m, windows_of(n)),
        dx(m, windows_of(n), n.out, in_major),
        bias(m, n.out_steps() * n.rows, n.out),
        workspace(product_memory(m)) {}
  unfolded_rows x;
  folded_product dx;
  column_sums bias;
  void* workspace;
};
struct window_fold_memory {
  explicit window_fold_memory(carver& m, const op::window_fold_fwd<float>& o)
      : y(m, windows_of(o), o.in, false), workspace(product_memory(m)) {}
  folded_product y;
  void* workspace;
};
struct window_fold_back_memory {
  explicit window_fold_back_memory(carver& m, const op::window_fold_bwd<float>& o)
      : dy(m, windows_of(o)), bias(m, (o.steps + o.window - 1) * o.rows, o.out), workspace(product_memory(m)) {}
  unfolded_rows dy;
  column_sums bias;
  void* workspace;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::window_linear_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::window_linear_memory(m, o.n); });
}

inline void execute(cuda_backend& backend, const op::window_linear_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const window_linear_memory s(memory, o.n);
  const dim_t rows = o.n.out_steps() * o.n.rows, in = o.n.in * o.n.window, out = o.n.out;
  const float* const x = s.x.of(backend, o.x);
  if (o.bias) fill_rows(backend, rows, out, o.bias, o.y);
  multiply(backend, {rows, out, in, 1, {x, in}, {o.weight, o.in_major ? out : in, 0, !o.in_major}, o.y, 0, o.bias ? 1.f : 0.f},
           s.workspace);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::window_linear_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::window_linear_back_memory(m, o.n, o.in_major); });
}

inline void execute(cuda_backend& backend, const op::window_linear_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const window_linear_back_memory s(memory, o.n, o.in_major);
  const dim_t rows = o.n.out_steps() * o.n.rows, in = o.n.in * o.n.window, out = o.n.out;
  const float* const x = s.x.of(backend, o.x);
  if (o.dbias) s.bias.add(backend, rows, out, out, o.dy, o.dbias);
  if (o.in_major)
    multiply(backend, {in, out, rows, 1, {x, in, 0, true}, {o.dy, out}, o.dweight, 0, 1.f}, s.workspace);
  else
    multiply(backend, {out, in, rows, 1, {o.dy, out, 0, true}, {x, in}, o.dweight, 0, 1.f}, s.workspace);
  s.dx.run(backend, o.dy, o.weight, nullptr, o.accumulate, o.dx, s.workspace);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::window_fold_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::window_fold_memory(m, o); });
}

inline void execute(cuda_backend& backend, const op::window_fold_fwd<float>& o, void* scratch) {
  carver memory(scratch);
  const cuda_kernel::window_fold_memory s(memory, o);
  s.y.run(backend, o.x, o.weight, o.bias, false, o.y, s.workspace);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::window_fold_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::window_fold_back_memory(m, o); });
}

inline void execute(cuda_backend& backend, const op::window_fold_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const window_fold_back_memory s(memory, o);
  const dim_t rows = o.steps * o.rows, length = o.out * o.window;
  s.bias.add(backend, (o.steps + o.window - 1) * o.rows, o.out, o.out, o.dy, o.dbias);
  const float* const dy = s.dy.of(backend, o.dy);
  multiply(backend, {rows, o.in, length, 1, {dy, length}, {o.weight, length, 0, true}, o.dx, 0}, s.workspace);
  multiply(backend, {o.in, length, rows, 1, {o.x, o.in, 0, true}, {dy, length}, o.dweight, 0, 1.f}, s.workspace);
}

}  // namespace avss
