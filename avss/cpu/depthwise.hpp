// Depthwise convolution along time, row by row: a row is activated, normalised, convolved and summed while in the cache.
#pragma once

#include <avss/cpu/act_norm.hpp>  // the operations: networks use them behind these
#include <avss/cpu/act_norm_rows.hpp>
#include <avss/cpu/act_norm_sums.hpp>
#include <avss/op/depthwise.hpp>

namespace avss {
namespace cpu_kernel {

// y[t] = bias + sum_k w[k] x[t + k step]
inline void correlate_row(dim_t n, dim_t kernel, dim_t step, const float* w, float bias, const float* x, float* y) {
  if (kernel == 3) {
    const float w0 = w[0], w1 = w[1], w2 = w[2];
    simd::for_each(n, [&](auto v, dim_t t) {
      using V = decltype(v);
      simd::store(y + t,
                  simd::load<V>(x + t) * w0 + simd::load<V>(x + t + step) * w1 + simd::load<V>(x + t + 2 * step) * w2 + bias);
    });
    return;
  }
  simd::for_each(n, [&](auto v, dim_t t) {
    using V = decltype(v);
    V sum = V{} + bias;
    for (dim_t k = 0; k < kernel; ++k) sum += simd::load<V>(x + t + k * step) * w[k];
    simd::store(y + t, sum);
  });
}

// Rows with the zeros of the padding around them.
inline dim_t padded_row(dim_t frames, dim_t kernel, dim_t dilation) {
  return (frames + (kernel - 1) * dilation + simd::lanes) / simd::lanes * simd::lanes;
}

struct depthwise_fwd_scratch {
  depthwise_fwd_scratch(carver& m, const cpu& backend, const op::depthwise_fwd<float>& o)
      : length(padded_row(o.frames, o.kernel, o.dilation)),
        rows(m.take<float>(backend.threads * length)),
        sums(m, o.next, o.batch, o.frames, per_frame(o.next.norm) ? tiled::count(o.frames) : o.channels) {}
  dim_t length;
  float* rows;
  moment_sums sums;
};

struct depthwise_bwd_scratch {
  depthwise_bwd_scratch(carver& m, const cpu& backend, const op::depthwise_bwd<float>& o)
      : length(padded_row(o.frames, o.kernel, o.dilation)),
        rows(m.take<float>(backend.threads * 2 * length)),
        dslope(m.take<double>(o.channels)),
        flipped(m.take<float>(backend.threads * o.kernel)),
        sums(m, o.input, o.batch, o.channels, o.frames, 1) {}
  dim_t length;
  float* rows;
  double* dslope;
  float* flipped;
  gradient_sums sums;
};

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::depthwise_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::depthwise_fwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::depthwise_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  depthwise_fwd_scratch s(memory, backend, o);
  const bool frame_sums = per_frame(o.next.norm);
  for_pieces(backend, o.batch * o.channels, [&](dim_t i, int worker) {
    const dim_t b = i / o.channels, c = i % o.channels, at = i * o.frames;
    float* const row = s.rows + worker * s.length;
    std::fill(row, row + o.left, 0.f);
    apply_row(o.f, b, c, 0, o.frames, o.frames, o.x + at, row + o.left);
    std::fill(row + o.left + o.frames, row + s.length, 0.f);
    correlate_row(o.frames, o.kernel, o.dilation, o.weight + c * o.kernel, o.bias ? o.bias[c] : 0.f, row, o.y + at);
    if (s.sums.wanted() && !frame_sums) s.sums.set_piece(b, c, moment_row(slope_of(o.next), o.frames, o.y + at));
  });
  if (frame_sums) {
    const dim_t tiles = tiled::count(o.frames);
    for_pieces(backend, o.batch * tiles, [&](dim_t i, int) {
      const tiled::piece p = tiled::at(i, o.frames);
      s.sums.add_tile(p, i % tiles, o.channels, o.y + p.item * o.channels * o.frames + p.first);
    });
  }
  s.sums.finish(o.channels);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::depthwise_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::depthwise_bwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::depthwise_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  depthwise_bwd_scratch s(memory, backend, o);
  // f(x) stands behind o.left zeros, as in the forward pass. dL/df(x)[t] = sum_k w[k] dy[t + left - k dilation] is the same
  // correlation with the taps in reverse, of dy behind (kernel - 1) dilation - left zeros.
  const dim_t right = (o.kernel - 1) * o.dilation - o.left;
  for_pieces(backend, o.channels, [&](dim_t c, int worker) {
    float* const fx = s.rows + worker * 2 * s.length;
    float* const dy = fx + s.length;
    float* const flipped = s.flipped + worker * o.kernel;
    for (dim_t k = 0; k < o.kernel; ++k) flipped[k] = o.weight[c * o.kernel + o.kernel - 1 - k];
    s.dslope[c] = 0;
    for (dim_t b = 0; b < o.batch; ++b) {
      const dim_t at = (b * o.channels + c) * o.frames;
      std::fill(fx, fx + o.left, 0.f);
      apply_row(o.input.f, b, c, 0, o.frames, o.frames, o.input.x + at, fx + o.left);
      std::fill(fx + o.left + o.frames, fx + s.length, 0.f);
      std::fill(dy, dy + right, 0.f);
      s.dslope[c] += go_back_row(o.output, b, c, 0, o.frames, o.frames, o.output.x ? o.output.x + at : nullptr,
                                 o.output.df + at, dy + right);
      std::fill(dy + right + o.frames, dy + s.length, 0.f);
      for (dim_t k = 0; k < o.kernel; ++k) o.dweight[c * o.kernel + k] += dot_row(o.frames, dy + right, fx + k * o.dilation);
      if (o.dbias) o.dbias[c] += sum_row(o.frames, dy + right);
      correlate_row(o.frames, o.kernel, o.dilation, flipped, 0.f, dy, o.input.df + at);
      if (s.sums.wanted())
        s.sums.set_row(b, 0, c, gradient_row(o.input, b, 0, o.frames, o.frames, o.input.x + at, o.input.df + at));
    }
  });
  if (s.sums.by_frame()) {
    const dim_t tiles = tiled::count(o.frames);
    for_pieces(backend, o.batch * tiles, [&](dim_t i, int) { s.sums.add_frames(tiled::at(i, o.frames)); });
  }
  s.sums.finish();
  if (o.output.f.slope)
    add_sum(
        o.channels, [&](dim_t c) { return s.dslope[c]; }, *o.output.dslope);
}

}  // namespace avss
