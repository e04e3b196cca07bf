// Linear layers of windows along sequences on the device, and their transposes: one matrix product for each place in the
// window, over all steps and rows at once, with the weights turned so that each place has a matrix of its own.
#pragma once

#include <avss/cuda/column_sums.cuh>
#include <avss/cuda/product.cuh>
#include <avss/cuda/walk.cuh>

namespace avss {
namespace cuda_kernel {

// A weight [inner, window], or [in, window, out] where `out` is not 0, and the same turned: [window, inner or in out].
struct window_weight {
  dim_t window, inner, out = 0;
  AVSS_DEVICE dim_t place_of(dim_t k, dim_t i) const { return out ? (i / out * window + k) * out + i % out : i * window + k; }
};

// turned = weight, or with Back weight += turned.
template <bool Back>
struct turn_windows {
  static constexpr int threads = 256;
  static constexpr bool cooperates = false;
  window_weight w;
  const float* from;
  float* to;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t at = t.block() * threads + t.index();
    if (at >= w.window * w.inner) return;
    const dim_t i = w.place_of(at / w.inner, at % w.inner);
    if constexpr (Back)
      to[i] += from[at];
    else
      to[at] = from[i];
  }
};

// The rows of y before anything is added to them: bias [columns], or zero.
struct fill_rows_body {
  static constexpr int sums = 0;
  dim_t columns;
  const float* bias;
  float* y;
  AVSS_DEVICE void operator()(const place& at, double*) const { y[at.i] = bias ? bias[at.i % columns] : 0.f; }
};
inline void fill_rows(const cuda_backend& backend, dim_t rows, dim_t columns, const float* bias, float* y) {
  pass_rows(backend, "bias of rows", 1, 1, rows * columns, fill_rows_body{columns, bias, y});
}

// Turned weights and their gradient.
class window_scratch {
 public:
  // rows: of dy, 0 where there is no way back
  window_scratch(carver& m, const window_weight& w, dim_t rows, dim_t columns)
      : w_(w),
        weight_(m.take<float>(w.window * w.inner)),
        gradient_(rows ? m.take<float>(w.window * w.inner) : nullptr),
        bias_(m, rows, columns),
        workspace_(m.take<std::byte>(cuda_backend::product_workspace)) {}

  void turn(const cuda_backend& backend, const float* weight) const {
    launch(backend, "turned weights of a window", turn_windows<false>{w_, weight, weight_}, blocks());
  }
  void add_gradient(const cuda_backend& backend, float* dweight) const {
    launch(backend, "gradient of a window's weights", turn_windows<true>{w_, gradient_, dweight}, blocks());
  }
  const float* weight(dim_t k) const { return weight_ + k * w_.inner; }
  float* gradient(dim_t k) const { return gradient_ + k * w_.inner; }
  const column_sums& bias() const { return bias_; }
  void* workspace() const { return workspace_; }

 private:
  dim_t blocks() const { return blocks_for(w_.window * w_.inner, turn_windows<false>::threads); }
  window_weight w_;
  float *weight_, *gradient_;
  column_sums bias_;
  void* workspace_;
};

inline window_scratch linear_scratch(carver& m, const op::window_size& n, bool in_major, bool back) {
  return {m, {n.window, n.in * n.out, in_major ? n.out : 0}, back ? n.out_steps() * n.rows : 0, n.out};
}
template <class Fold>
window_scratch fold_scratch(carver& m, const Fold& o, bool back) {
  return {m, {o.window, o.in * o.out}, back ? (o.steps + o.window - 1) * o.rows : 0, o.out};
}

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::window_linear_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::linear_scratch(m, o.n, o.in_major, false); });
}

inline void execute(cuda_backend& backend, const op::window_linear_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const op::window_size& n = o.n;
  const window_scratch s = linear_scratch(memory, n, o.in_major, false);
  const dim_t rows = n.out_steps() * n.rows;
  s.turn(backend, o.weight);
  if (o.bias) fill_rows(backend, rows, n.out, o.bias, o.y);
  for (dim_t k = 0; k < n.window; ++k) {
    const matrix w{s.weight(k), o.in_major ? n.out : n.in, 0, !o.in_major};
    multiply(backend, {rows, n.out, n.in, 1, {o.x + k * n.rows * n.in, n.in}, w, o.y, 0, o.bias || k > 0 ? 1.f : 0.f},
             s.workspace());
  }
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::window_linear_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::linear_scratch(m, o.n, o.in_major, true); });
}

inline void execute(cuda_backend& backend, const op::window_linear_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const op::window_size& n = o.n;
  const window_scratch s = linear_scratch(memory, n, o.in_major, true);
  const dim_t rows = n.out_steps() * n.rows;
  s.turn(backend, o.weight);
  if (o.dbias) s.bias().add(backend, rows, n.out, n.out, o.dy, o.dbias);
  if (!o.accumulate) fill_rows(backend, n.steps * n.rows, n.in, nullptr, o.dx);
  const matrix dy{o.dy, n.out}, turned_dy{o.dy, n.out, 0, true};
  for (dim_t k = 0; k < n.window; ++k) {
    const dim_t first = k * n.rows * n.in;
    const matrix w{s.weight(k), o.in_major ? n.out : n.in, 0, o.in_major};
    const matrix x{o.x + first, n.in}, turned_x{o.x + first, n.in, 0, true};
    multiply(backend, {rows, n.in, n.out, 1, dy, w, o.dx + first, 0, 1.f}, s.workspace());
    if (o.in_major)
      multiply(backend, {n.in, n.out, rows, 1, turned_x, dy, s.gradient(k), 0}, s.workspace());
    else
      multiply(backend, {n.out, n.in, rows, 1, turned_dy, x, s.gradient(k), 0}, s.workspace());
  }
  s.add_gradient(backend, o.dweight);
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::window_fold_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::fold_scratch(m, o, false); });
}

inline void execute(cuda_backend& backend, const op::window_fold_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const window_scratch s = fold_scratch(memory, o, false);
  s.turn(backend, o.weight);
  fill_rows(backend, (o.steps + o.window - 1) * o.rows, o.out, o.bias, o.y);
  for (dim_t k = 0; k < o.window; ++k)
    multiply(backend, {o.steps * o.rows, o.out, o.in, 1, {o.x, o.in}, {s.weight(k), o.out}, o.y + k * o.rows * o.out, 0, 1.f},
             s.workspace());
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::window_fold_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::fold_scratch(m, o, true); });
}

inline void execute(cuda_backend& backend, const op::window_fold_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const window_scratch s = fold_scratch(memory, o, true);
  const dim_t rows = o.steps * o.rows;
  s.turn(backend, o.weight);
  s.bias().add(backend, (o.steps + o.window - 1) * o.rows, o.out, o.out, o.dy, o.dbias);
  for (dim_t k = 0; k < o.window; ++k) {
    const matrix dy{o.dy + k * o.rows * o.out, o.out};
    multiply(backend, {rows, o.in, o.out, 1, dy, {s.weight(k), o.out, 0, true}, o.dx, 0, k > 0 ? 1.f : 0.f}, s.workspace());
    multiply(backend, {o.in, o.out, rows, 1, {o.x, o.in, 0, true}, dy, s.gradient(k), 0}, s.workspace());
  }
  s.add_gradient(backend, o.dweight);
}

}  // namespace avss
