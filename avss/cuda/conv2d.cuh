// Convolutions over frames and bins on the device, as matrix products: the taps are unfolded on that side of the kernel where
// its weights, as they lie, are a matrix; an item after another, so that one item's unfolded map is all the memory.
//   U [C taps, plane]: U(x)[c k, p] = x[c, p + k - left]; y = W U(x); transposed y = fold(W' x), fold the adjoint of U
#pragma once

#include <avss/cuda/depthwise2d.cuh>
#include <avss/cuda/pointwise.cuh>
#include <avss/op/conv2d.hpp>

namespace avss {
namespace cuda_kernel {

// place: of the unfolded map.
struct unfold_body {
  static constexpr int sums = 0;
  op::map_size n;
  op::sliding s;
  const float* x;  // of one item
  float* to;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    to[at.i] = sliding_input{n, s, x}(place{0, at.c / s.taps(), at.t, 0}, at.c % s.taps());
  }
};

// x[c, p] = bias[c] + sum over k of from[c k, p - k + left]
struct fold_body {
  static constexpr int sums = 0;
  op::map_size n;
  op::sliding s;
  const float* from;
  const float* bias;  // or null
  float* x;           // of one item
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t t0 = at.t / n.bins + s.left_t, f0 = at.t % n.bins + s.left_f;
    float sum = bias ? bias[at.c] : 0.f;
    for (dim_t kt = 0; kt < s.kernel_t; ++kt) {
      const dim_t t = t0 - kt;
      if (t < 0 || t >= n.frames) continue;
      for (dim_t kf = 0; kf < s.kernel_f; ++kf) {
        const dim_t f = f0 - kf;
        if (f >= 0 && f < n.bins) sum += from[((at.c * s.taps() + kt * s.kernel_f + kf) * n.frames + t) * n.bins + f];
      }
    }
    x[at.i] = sum;
  }
};

// The taps of a map [C, T, F], one item after another.
class unfolded {
 public:
  unfolded(carver& m, const op::map_size& n, const op::sliding& s)
      : n_(n), s_(s), to_(m.take<float>(n.channels * s.taps() * n.plane())) {}
  void make(const cuda_backend& backend, const float* x) const {
    pass_rows(backend, "taps of a map", 1, n_.channels * s_.taps(), n_.plane(), unfold_body{n_, s_, x, to_});
  }
  void fold(const cuda_backend& backend, const float* bias, float* x) const {
    pass_rows(backend, "sums of taps", 1, n_.channels, n_.plane(), fold_body{n_, s_, to_, bias, x});
  }
  dim_t rows() const { return n_.channels * s_.taps(); }
  float* data() const { return to_; }
  matrix as_it_is() const { return {to_, n_.plane()}; }
  matrix turned() const { return {to_, n_.plane(), 0, true}; }

 private:
  op::map_size n_;
  op::sliding s_;
  float* to_;
};

template <class Conv>
op::map_size unfolded_side(const Conv& o) {
  return o.transposed ? o.s.out(o.n, o.out) : o.n;
}

struct conv2d_fwd_scratch {
  conv2d_fwd_scratch(carver& m, const op::conv2d_fwd<float>& o)
      : taps(m, unfolded_side(o), o.s), workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  unfolded taps;
  void* workspace;
};

struct conv2d_bwd_scratch {
  conv2d_bwd_scratch(carver& m, const op::conv2d_bwd<float>& o)
      : taps(m, unfolded_side(o), o.s),
        bias(m, o.n.batch, o.out, o.n.plane()),
        workspace(m.take<std::byte>(cuda_backend::product_workspace)) {}
  unfolded taps;
  row_sums bias;
  void* workspace;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::conv2d_fwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::conv2d_fwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::conv2d_fwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const conv2d_fwd_scratch s(memory, o);
  const dim_t plane = o.n.plane(), in = o.n.channels, rows = s.taps.rows();
  for (dim_t b = 0; b < o.n.batch; ++b) {
    const float* const x = o.x + b * in * plane;
    float* const y = o.y + b * o.out * plane;
    if (o.transposed) {
      multiply(backend, {rows, plane, in, 1, {o.weight, rows, 0, true}, {x, plane}, s.taps.data(), 0}, s.workspace);
      s.taps.fold(backend, o.bias, y);
    } else {
      s.taps.make(backend, x);
      multiply(backend, {o.out, plane, rows, 1, {o.weight, rows}, s.taps.as_it_is(), y, 0}, s.workspace);
    }
  }
  if (o.bias && !o.transposed) pass_rows(backend, "bias of maps", o.n.batch, o.out, plane, bias_body{o.bias, nullptr, o.y});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::conv2d_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::conv2d_bwd_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::conv2d_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const conv2d_bwd_scratch s(memory, o);
  const dim_t plane = o.n.plane(), in = o.n.channels, rows = s.taps.rows();
  s.bias.add(backend, o.n.batch, o.out, plane, o.dy, o.dbias);
  for (dim_t b = 0; b < o.n.batch; ++b) {
    const float* const x = o.x + b * in * plane;
    const float* const dy = o.dy + b * o.out * plane;
    float* const dx = o.dx ? o.dx + b * in * plane : nullptr;
    s.taps.make(backend, o.transposed ? dy : x);
    const dim_t kept = o.transposed ? in : o.out;  // channels of the other side
    const matrix other{o.transposed ? x : dy, plane};
    multiply(backend, {kept, rows, plane, 1, other, s.taps.turned(), o.dweight, 0, 1.f}, s.workspace);
    if (!dx) continue;
    if (o.transposed) {
      multiply(backend, {in, plane, rows, 1, {o.weight, rows}, s.taps.as_it_is(), dx, 0}, s.workspace);
    } else {
      multiply(backend, {rows, plane, o.out, 1, {o.weight, rows, 0, true}, {dy, plane}, s.taps.data(), 0}, s.workspace);
      s.taps.fold(backend, nullptr, dx);
    }
  }
}

}  // namespace avss
