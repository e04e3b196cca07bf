// Convolutions of single channels over frames and bins, and of small groups of channels, on the device: every result gathers
// what it is made of, out of the caches.
#pragma once

#include <avss/cuda/tap_sums.cuh>
#include <avss/op/conv2d.hpp>

namespace avss {
namespace cuda_kernel {

// The value of x that a tap meets at an output place, 0 outside of the map.
struct sliding_input {
  op::map_size n;
  op::sliding s;
  const float* x;
  AVSS_DEVICE float operator()(const place& at, dim_t tap) const {
    const dim_t t = at.t / s.bins * s.stride_t + tap / s.kernel_f - s.left_t;
    const dim_t f = at.t % s.bins * s.stride_f + tap % s.kernel_f - s.left_f;
    if (t < 0 || t >= n.frames || f < 0 || f >= n.bins) return 0;
    return x[((at.b * n.channels + at.c) * n.frames + t) * n.bins + f];
  }
};

struct depthwise2d_body {
  static constexpr int sums = 0;
  op::depthwise2d_fwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t t0 = at.t / o.s.bins * o.s.stride_t - o.s.left_t, f0 = at.t % o.s.bins * o.s.stride_f - o.s.left_f;
    const float* const x = o.x + (at.b * o.n.channels + at.c) * o.n.plane();
    const float* const w = o.weight + at.c * o.s.taps();
    float y = o.bias ? o.bias[at.c] : 0.f;
    for (dim_t kt = 0; kt < o.s.kernel_t; ++kt) {
      if (t0 + kt < 0 || t0 + kt >= o.n.frames) continue;
      for (dim_t kf = 0; kf < o.s.kernel_f; ++kf)
        if (f0 + kf >= 0 && f0 + kf < o.n.bins) y += w[kt * o.s.kernel_f + kf] * x[(t0 + kt) * o.n.bins + f0 + kf];
    }
    o.y[at.i] = y;
  }
};

// Output places that met an input place: those taps for which it is a whole number of strides away.
struct depthwise2d_back_body {
  static constexpr int sums = 0;
  op::depthwise2d_bwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t t0 = at.t / o.n.bins + o.s.left_t, f0 = at.t % o.n.bins + o.s.left_f;
    const float* const dy = o.dy + (at.b * o.n.channels + at.c) * o.s.frames * o.s.bins;
    const float* const w = o.weight + at.c * o.s.taps();
    float dx = o.accumulate ? o.dx[at.i] : 0.f;
    for (dim_t kt = 0; kt < o.s.kernel_t && kt <= t0; ++kt) {
      const dim_t t = (t0 - kt) / o.s.stride_t;
      if (t * o.s.stride_t != t0 - kt || t >= o.s.frames) continue;
      for (dim_t kf = 0; kf < o.s.kernel_f && kf <= f0; ++kf) {
        const dim_t f = (f0 - kf) / o.s.stride_f;
        if (f * o.s.stride_f == f0 - kf && f < o.s.bins) dx += w[kt * o.s.kernel_f + kf] * dy[t * o.s.bins + f];
      }
    }
    o.dx[at.i] = dx;
  }
};

struct grouped_body {
  static constexpr int sums = 0;
  op::grouped_pointwise_fwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const float* const x = o.x + ((at.b * o.groups + at.c / o.out) * o.in) * o.frames + at.t;
    float y = o.bias ? o.bias[at.c] : 0.f;
    for (dim_t i = 0; i < o.in; ++i) y += o.weight[at.c * o.in + i] * x[i * o.frames];
    o.y[at.i] = y;
  }
};

// place: of dx.
struct grouped_back_body {
  static constexpr int sums = 0;
  op::grouped_pointwise_bwd<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t first = at.c / o.in * o.out, i = at.c % o.in;
    const float* const dy = o.dy + (at.b * o.groups * o.out + first) * o.frames + at.t;
    float dx = o.accumulate ? o.dx[at.i] : 0.f;
    for (dim_t r = 0; r < o.out; ++r) dx += o.weight[(first + r) * o.in + i] * dy[r * o.frames];
    o.dx[at.i] = dx;
  }
};

struct grouped_input {
  dim_t groups, in, out, frames;
  const float* x;
  AVSS_DEVICE float operator()(const place& at, dim_t i) const {
    return x[((at.b * groups + at.c / out) * in + i) * frames + at.t];
  }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::depthwise2d_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "depthwise convolution of maps", o.n.batch, o.n.channels, o.s.frames * o.s.bins,
                         cuda_kernel::depthwise2d_body{o});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::depthwise2d_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::tap_sums(m, o.n.batch, o.n.channels, o.s.frames * o.s.bins); });
}

inline void execute(cuda_backend& backend, const op::depthwise2d_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const dim_t plane = o.s.frames * o.s.bins;
  const tap_sums sums(memory, o.n.batch, o.n.channels, plane);
  sums.add(backend, o.n.batch, o.n.channels, plane, o.s.taps(), sliding_input{o.n, o.s, o.x}, o.dy, o.dweight, o.dbias);
  pass_rows(backend, "back through a depthwise convolution of maps", o.n.batch, o.n.channels, o.n.plane(),
            depthwise2d_back_body{o});
}

inline void execute(cuda_backend& backend, const op::grouped_pointwise_fwd<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "convolution of groups", o.batch, o.groups * o.out, o.frames, cuda_kernel::grouped_body{o});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::grouped_pointwise_bwd<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::tap_sums(m, o.batch, o.groups * o.out, o.frames); });
}

inline void execute(cuda_backend& backend, const op::grouped_pointwise_bwd<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const dim_t rows = o.groups * o.out;
  const tap_sums sums(memory, o.batch, rows, o.frames);
  sums.add(backend, o.batch, rows, o.frames, o.in, grouped_input{o.groups, o.in, o.out, o.frames, o.x}, o.dy, o.dweight,
           o.dbias);
  pass_rows(backend, "back through a convolution of groups", o.batch, o.groups * o.in, o.frames, grouped_back_body{o});
}

}  // namespace avss
