// Depthwise convolution over frames and bins: blocks of frames with the zeros around them, then sixteen bins at a time.
#pragma once

#include <avss/cpu/act_norm.hpp>
#include <avss/op/conv2d.hpp>
#include <type_traits>
#include <utility>

namespace avss {
namespace cpu_kernel {

inline constexpr dim_t block_frames = 64;
inline dim_t frame_blocks(dim_t frames) { return (frames + block_frames - 1) / block_frames; }

// The first `n` of sixteen values, or all.
[[gnu::always_inline]] inline simd::vec load_part(const float* p, dim_t n) {
  if (n >= simd::lanes) return simd::load<simd::vec>(p);
  simd::vec v{};
  std::memcpy(&v, p, static_cast<std::size_t>(n) * sizeof(float));
  return v;
}
[[gnu::always_inline]] inline void store_part(float* p, dim_t n, simd::vec v, bool accumulate) {
  if (accumulate) v += load_part(p, n);
  if (n >= simd::lanes) return simd::store(p, v);
  std::memcpy(p, &v, static_cast<std::size_t>(n) * sizeof(float));
}

// Frames that a kernel slides over. Bins are dealt out to `stride_f` rows, so that neighbours in a result are neighbours in
// a row: bin j stride_f + phase - left_f of a frame stands at place j of row `phase`.
struct sliding_block {
  sliding_block(const op::sliding& s, dim_t left_t, dim_t left_f)
      : s(s),
        left_t(left_t),
        left_f(left_f),
        pitch((s.bins + simd::lanes - 1) / simd::lanes * simd::lanes +
              (s.kernel_f - 1) / s.stride_f / simd::lanes * simd::lanes + simd::lanes) {}

  dim_t frame_values() const { return s.stride_f * pitch; }
  dim_t values() const { return ((std::min(block_frames, s.frames) - 1) * s.stride_t + s.kernel_t) * frame_values(); }

  // For the results of frames [t0, t1): every frame in reach is asked for by `put(frame, to)`, which fills or leaves zeros.
  template <class Put>
  void fill(dim_t t0, dim_t t1, float* to, Put&& put) const {
    const dim_t rows = (t1 - t0 - 1) * s.stride_t + s.kernel_t;
    std::fill_n(to, rows * frame_values(), 0.f);
    for (dim_t r = 0; r < rows; ++r) put(t0 * s.stride_t + r - left_t, to + r * frame_values());
  }
  // One frame of `bins` values.
  void deal(const float* x, dim_t bins, float* to) const {
    for (dim_t phase = 0; phase < s.stride_f; ++phase) {
      const dim_t start = phase - left_f;  // the bin at place 0
      const dim_t first = start >= 0 ? 0 : (-start + s.stride_f - 1) / s.stride_f;
      const dim_t end = std::min(pitch, bins > start ? (bins - start + s.stride_f - 1) / s.stride_f : 0);
      float* const row = to + phase * pitch;
      const float* const from = x + start;
      if (s.stride_f == 1)
        for (dim_t j = first; j < end; ++j) row[j] = from[j];
      else if (s.stride_f == 2)
        for (dim_t j = first; j < end; ++j) row[j] = from[2 * j];
      else
        for (dim_t j = first; j < end; ++j) row[j] = from[j * s.stride_f];
    }
  }

  op::sliding s;
  dim_t left_t, left_f, pitch;
};

template <dim_t N>
using constant = std::integral_constant<dim_t, N>;

// Calls body with the kernel's sides and the stride along both axes, as constants where they are frequent ones; otherwise the
// last is the stride along the bins.
template <class Body>
void with_kernel(const op::sliding& s, Body&& body) {
  const auto is = [&](dim_t t, dim_t f, dim_t stride) {
    return s.kernel_t == t && s.kernel_f == f && s.stride_t == stride && s.stride_f == stride;
  };
  if (is(4, 4, 1)) return body(constant<4>{}, constant<4>{}, constant<1>{});
  if (is(4, 4, 2)) return body(constant<4>{}, constant<4>{}, constant<2>{});
  if (is(3, 3, 1)) return body(constant<3>{}, constant<3>{}, constant<1>{});
  body(s.kernel_t, s.kernel_f, s.stride_f);
}

// body(k_t, k_f, tap) for all of a kernel; sides that are constants are unrolled, the arguments being constants too.
template <class T, class F, class Body>
void for_taps(T kernel_t, F kernel_f, Body&& body) {
  if constexpr (std::is_same_v<T, dim_t>) {
    for (dim_t kt = 0; kt < kernel_t; ++kt)
      for (dim_t kf = 0; kf < kernel_f; ++kf) body(kt, kf, kt * kernel_f + kf);
  } else {
    [&]<dim_t... I>(std::integer_sequence<dim_t, I...>) {
      (body(constant<I / F::value>{}, constant<I % F::value>{}, constant<I>{}), ...);
    }
    (std::make_integer_sequence<dim_t, T::value * F::value>());
  }
}

// Frames of results that are made at once, sixteen bins each: what is loaded serves all that it is part of.
inline constexpr dim_t rows_at_once = 4;

// sums[r] += what frame `u` of the reach gives to result r.
template <dim_t u, dim_t R, class T, class F, class S, class K>
[[gnu::always_inline]] inline void add_tap(T, F, S, K, simd::vec x, const simd::vec* w, simd::vec* sums) {
  constexpr dim_t kt = u - R * S::value;
  if constexpr (kt >= 0 && kt < T::value) sums[R] += x * w[kt * F::value + K::value];
}

// y (+)= bias + the kernel's sums, `frames` frames from a filled block.
template <class T, class F, class S>
void correlate_frames(T kernel_t, F kernel_f, S stride, const op::sliding& s, dim_t pitch, dim_t frames, const float* block,
                      const float* w, float bias, float* y, bool accumulate) {
  const dim_t bins = s.bins, stride_f = s.stride_f, next = stride_f * pitch, step = s.stride_t * next;
  dim_t t = 0;
  if constexpr (!std::is_same_v<T, dim_t>) {
    simd::vec weights[T::value * F::value];
    for (dim_t k = 0; k < T::value * F::value; ++k) weights[k] = simd::vec{} + w[k];
    for (; t + rows_at_once <= frames; t += rows_at_once)
      for (dim_t f = 0; f < bins; f += simd::lanes) {
        const simd::vec start = simd::vec{} + bias;
        simd::vec sums[rows_at_once] = {start, start, start, start};
        const float* const from = block + t * step + f;
        for_taps(constant<(rows_at_once - 1) * S::value + T::value>{}, kernel_f, [&](auto u, auto kf, auto) {
          const simd::vec x = simd::load<simd::vec>(from + u * next + kf % stride * pitch + kf / stride);
          add_tap<u, 0>(kernel_t, kernel_f, stride, kf, x, weights, sums);
          add_tap<u, 1>(kernel_t, kernel_f, stride, kf, x, weights, sums);
          add_tap<u, 2>(kernel_t, kernel_f, stride, kf, x, weights, sums);
          add_tap<u, 3>(kernel_t, kernel_f, stride, kf, x, weights, sums);
        });
        for (dim_t r = 0; r < rows_at_once; ++r) store_part(y + (t + r) * bins + f, bins - f, sums[r], accumulate);
      }
  }
  for (; t < frames; ++t)
    for (dim_t f = 0; f < bins; f += simd::lanes) {
      simd::vec sum = simd::vec{} + bias;
      const float* const from = block + t * step + f;
      for_taps(kernel_t, kernel_f, [&](dim_t kt, dim_t kf, dim_t tap) {
        sum += simd::load<simd::vec>(from + kt * next + kf % stride_f * pitch + kf / stride_f) * w[tap];
      });
      store_part(y + t * bins + f, bins - f, sum, accumulate);
    }
}
inline void correlate_frames(const sliding_block& b, dim_t frames, const float* block, const float* w, float bias, float* y,
                             bool accumulate) {
  with_kernel(b.s, [&](auto kernel_t, auto kernel_f, auto stride) {
    correlate_frames(kernel_t, kernel_f, stride, b.s, b.pitch, frames, block, w, bias, y, accumulate);
  });
}

[[gnu::always_inline]] inline float lane_sum(simd::vec v) { return simd::row_sum{v, 0}.total(); }

// dweight += the gradient, of `frames` frames of dy and the filled block of x that they were made of.
inline void add_kernel_gradient(const sliding_block& b, dim_t frames, const float* block, const float* dy, float* dweight) {
  const dim_t bins = b.s.bins, pitch = b.pitch, next = b.frame_values(), step = b.s.stride_t * next;
  const auto each = [&](auto&& body) {
    for (dim_t t = 0; t < frames; ++t)
      for (dim_t f = 0; f < bins; f += simd::lanes) body(load_part(dy + t * bins + f, bins - f), block + t * step + f);
  };
  with_kernel(b.s, [&](auto kernel_t, auto kernel_f, auto stride_f) {
    const auto value = [&](const float* from, dim_t kt, dim_t kf) {
      return simd::load<simd::vec>(from + kt * next + kf % stride_f * pitch + kf / stride_f);
    };
    if constexpr (std::is_same_v<decltype(kernel_t), dim_t>) {
      for_taps(kernel_t, kernel_f, [&](dim_t kt, dim_t kf, dim_t tap) {
        simd::vec sum{};
        each([&](simd::vec d, const float* from) { sum += d * value(from, kt, kf); });
        dweight[tap] += lane_sum(sum);
      });
    } else {
      simd::vec sums[decltype(kernel_t)::value * decltype(kernel_f)::value]{};
      each([&](simd::vec d, const float* from) {
        for_taps(kernel_t, kernel_f, [&](dim_t kt, dim_t kf, dim_t tap) { sums[tap] += d * value(from, kt, kf); });
      });
      for_taps(kernel_t, kernel_f, [&](dim_t, dim_t, dim_t tap) { dweight[tap] += lane_sum(sums[tap]); });
    }
  });
}

// A kernel along the frames of a map with one bin slides along bins instead: the values lie the same.
template <class Op>
Op laid_along_bins(Op o) {
  if (o.n.bins != 1 || o.s.kernel_f != 1 || o.s.bins != 1) return o;
  o.n = {o.n.batch, o.n.channels, 1, o.n.frames};
  o.s = {1, o.s.kernel_t, 1, o.s.stride_t, 0, o.s.left_t, 1, o.s.frames};
  return o;
}

// The kernel that goes back from dy, spread out by the strides, to dx.
inline sliding_block backward_block(const op::map_size& n, const op::sliding& s) {
  return sliding_block({s.kernel_t, s.kernel_f, 1, 1, 0, 0, n.frames, n.bins}, s.kernel_t - 1 - s.left_t,
                       s.kernel_f - 1 - s.left_f);
}

struct depthwise2d_bwd_scratch {
  depthwise2d_bwd_scratch(carver& m, const cpu& backend, const op::depthwise2d_bwd<float>& o)
      : values(std::max(sliding_block(o.s, 0, 0).values(), backward_block(o.n, o.s).values())),
        blocks(m.take<float>(backend.threads * values)),
        flipped(m.take<float>(backend.threads * o.s.taps())) {}
  dim_t values;
  float *blocks, *flipped;
};

// One frame of dy, its bins as far apart as the stride says.
inline void spread(const op::sliding& s, const sliding_block& b, const float* dy, float* to) {
  for (dim_t f = 0; f < s.bins; ++f)
    if (const dim_t at = f * s.stride_f + b.left_f; at >= 0 && at < b.pitch) to[at] = dy[f];
}

inline void plane_back(const op::depthwise2d_bwd<float>& o, const float* x, const float* dy, const float* flipped, float* block,
                       float* dx, float* dweight) {
  const sliding_block ahead(o.s, o.s.left_t, o.s.left_f), back = backward_block(o.n, o.s);
  for (dim_t t0 = 0; t0 < o.s.frames; t0 += block_frames) {
    const dim_t t1 = std::min(t0 + block_frames, o.s.frames);
    ahead.fill(t0, t1, block, [&](dim_t t, float* to) {
      if (t >= 0 && t < o.n.frames) ahead.deal(x + t * o.n.bins, o.n.bins, to);
    });
    add_kernel_gradient(ahead, t1 - t0, block, dy + t0 * o.s.bins, dweight);
  }
  for (dim_t t0 = 0; t0 < o.n.frames; t0 += block_frames) {
    const dim_t t1 = std::min(t0 + block_frames, o.n.frames);
    back.fill(t0, t1, block, [&](dim_t t, float* to) {
      if (t >= 0 && t % o.s.stride_t == 0 && t / o.s.stride_t < o.s.frames)
        spread(o.s, back, dy + t / o.s.stride_t * o.s.bins, to);
    });
    correlate_frames(back, t1 - t0, block, flipped, 0.f, dx + t0 * o.n.bins, o.accumulate);
  }
}

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::depthwise2d_fwd<float>& o) {
  const cpu_kernel::sliding_block b(cpu_kernel::laid_along_bins(o).s, 0, 0);
  return cpu_kernel::layout_bytes([&](carver& m) { m.take<float>(backend.threads * b.values()); });
}

inline void execute(cpu& backend, const op::depthwise2d_fwd<float>& given, void* scratch) {
  using namespace cpu_kernel;
  const op::depthwise2d_fwd<float> o = laid_along_bins(given);
  const sliding_block block(o.s, o.s.left_t, o.s.left_f);
  const dim_t blocks = frame_blocks(o.s.frames), C = o.n.channels;
  float* const memory = static_cast<float*>(scratch);
  for_pieces(backend, o.n.batch * C * blocks, [&](dim_t i, int worker) {
    const dim_t bc = i / blocks, c = bc % C, t0 = i % blocks * block_frames, t1 = std::min(t0 + block_frames, o.s.frames);
    float* const to = memory + worker * block.values();
    block.fill(t0, t1, to, [&](dim_t t, float* frame) {
      if (t >= 0 && t < o.n.frames) block.deal(o.x + bc * o.n.plane() + t * o.n.bins, o.n.bins, frame);
    });
    correlate_frames(block, t1 - t0, to, o.weight + c * o.s.taps(), o.bias ? o.bias[c] : 0.f,
                     o.y + (bc * o.s.frames + t0) * o.s.bins, false);
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::depthwise2d_bwd<float>& o) {
  using namespace cpu_kernel;
  return layout_bytes([&](carver& m) { depthwise2d_bwd_scratch(m, backend, laid_along_bins(o)); });
}

inline void execute(cpu& backend, const op::depthwise2d_bwd<float>& given, void* scratch) {
  using namespace cpu_kernel;
  const op::depthwise2d_bwd<float> o = laid_along_bins(given);
  carver memory(scratch);
  depthwise2d_bwd_scratch s(memory, backend, o);
  const dim_t taps = o.s.taps(), out_plane = o.s.frames * o.s.bins;
  for_pieces(backend, o.n.channels, [&](dim_t c, int worker) {
    float* const flipped = s.flipped + worker * taps;
    for (dim_t k = 0; k < taps; ++k) flipped[k] = o.weight[c * taps + taps - 1 - k];
    for (dim_t b = 0; b < o.n.batch; ++b) {
      const dim_t bc = b * o.n.channels + c;
      const float* const dy = o.dy + bc * out_plane;
      if (o.dbias) o.dbias[c] += static_cast<float>(sum_row(out_plane, dy));
      plane_back(o, o.x + bc * o.n.plane(), dy, flipped, s.blocks + worker * s.values, o.dx + bc * o.n.plane(),
                 o.dweight + c * taps);
    }
  });
}

}  // namespace avss
