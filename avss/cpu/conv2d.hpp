// Dense convolutions as matrix products: what a kernel sees is laid out as columns (unfolded), or the products for every tap
// are made first and added up where they belong (folded).
#pragma once

#include <avss/cpu/depthwise2d.hpp>
#include <avss/cpu/pointwise.hpp>

namespace avss {
namespace cpu_kernel {

// y[f] = x[f + shift] for f in [0, n), zero outside; or added to y.
inline void shift_row(dim_t n, dim_t shift, const float* x, float* y, bool add) {
  const dim_t first = std::clamp<dim_t>(-shift, 0, n), end = std::clamp<dim_t>(n - shift, first, n);
  if (add) return add_row(end - first, x + first + shift, y + first);
  std::fill(y, y + first, 0.f);
  std::copy(x + first + shift, x + end + shift, y + first);
  std::fill(y + end, y + n, 0.f);
}

// Whole frames are worked on together, about a tile of values.
struct frame_tiles {
  explicit frame_tiles(const op::map_size& n)
      : frames(std::max<dim_t>(1, tiled::tile / n.bins)), values(frames * n.bins), count((n.frames + frames - 1) / frames) {}
  dim_t frames, values, count;

  struct piece {
    dim_t item, t0, t1;
  };
  piece at(dim_t i, const op::map_size& n) const {
    const dim_t t0 = i % count * frames;
    return {i / count, t0, std::min(t0 + frames, n.frames)};
  }
};

// u[(c, k_t, k_f), (t, f)] = x[c, t + k_t - left_t, f + k_f - left_f] for frames [t0, t1)
inline void unfold(const op::map_size& n, const op::sliding& s, dim_t channels, dim_t t0, dim_t t1, const float* x, float* u) {
  for (dim_t c = 0; c < channels; ++c)
    for (dim_t kt = 0; kt < s.kernel_t; ++kt)
      for (dim_t kf = 0; kf < s.kernel_f; ++kf)
        for (dim_t t = t0; t < t1; ++t, u += n.bins) {
          const dim_t from = t + kt - s.left_t;
          if (from < 0 || from >= n.frames)
            std::fill_n(u, n.bins, 0.f);
          else
            shift_row(n.bins, kf - s.left_f, x + (c * n.frames + from) * n.bins, u, false);
        }
}

// y[c, t, f] = bias[c] + sum of z[(c, k_t, k_f), t - k_t + left_t, f - k_f + left_f]      z [channels taps, plane]
inline void fold(const cpu& backend, const op::map_size& n, const op::sliding& s, dim_t channels, const float* z,
                 const float* bias, float* y) {
  constexpr dim_t block = 16;
  const dim_t blocks = (n.frames + block - 1) / block;
  for_pieces(backend, channels * blocks, [&](dim_t i, int) {
    const dim_t c = i / blocks, t0 = i % blocks * block;
    for (dim_t t = t0; t < std::min(t0 + block, n.frames); ++t) {
      float* const to = y + (c * n.frames + t) * n.bins;
      std::fill_n(to, n.bins, bias ? bias[c] : 0.f);
      for (dim_t kt = 0; kt < s.kernel_t; ++kt) {
        const dim_t from = t - kt + s.left_t;
        if (from < 0 || from >= n.frames) continue;
        for (dim_t kf = 0; kf < s.kernel_f; ++kf)
          shift_row(n.bins, s.left_f - kf, z + (((c * s.kernel_t + kt) * s.kernel_f + kf) * n.frames + from) * n.bins, to,
                    true);
      }
    }
  });
}

struct conv2d_fwd_scratch {
  conv2d_fwd_scratch(carver& m, const cpu& backend, const op::conv2d_fwd<float>& o)
      : tiles(o.n),
        columns(m.take<float>(o.transposed ? 0 : backend.threads * o.n.channels * o.s.taps() * tiles.values)),
        z(m.take<float>(o.transposed ? o.out * o.s.taps() * o.n.plane() : 0)) {}
  frame_tiles tiles;
  float *columns, *z;
};

struct conv2d_bwd_scratch {
  conv2d_bwd_scratch(carver& m, const cpu& backend, const op::conv2d_bwd<float>& o)
      : tiles(o.n),
        groups(std::clamp<dim_t>(o.n.batch * tiles.count / 2, 1, 32)),
        seen((o.transposed ? o.out : o.n.channels) * o.s.taps()),
        size(seen * (o.transposed ? o.n.channels : o.out)),
        columns(m.take<float>(backend.threads * seen * tiles.values)),
        dweight(m.take<float>(groups * size)),
        dcolumns(m.take<float>(o.transposed || !o.dx ? 0 : o.n.batch * seen * o.n.plane())) {}
  frame_tiles tiles;
  dim_t groups, seen, size;  // seen: values that a kernel sees; size: of the weights
  float *columns, *dweight, *dcolumns;
};

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::conv2d_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::conv2d_fwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::conv2d_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  conv2d_fwd_scratch s(memory, backend, o);
  const dim_t plane = o.n.plane(), in = o.n.channels, taps = o.s.taps();
  if (o.transposed) {
    for (dim_t b = 0; b < o.n.batch; ++b) {
      for_pieces(backend, s.tiles.count, [&](dim_t i, int) {
        const frame_tiles::piece p = s.tiles.at(i, o.n);
        const dim_t first = p.t0 * o.n.bins;
        gemm(transpose::yes, transpose::no, o.out * taps, (p.t1 - p.t0) * o.n.bins, in, o.weight, o.out * taps,
             o.x + b * in * plane + first, plane, 0.f, s.z + first, plane);
      });
      fold(backend, o.n, o.s, o.out, s.z, o.bias, o.y + b * o.out * plane);
    }
    return;
  }
  for_pieces(backend, o.n.batch * s.tiles.count, [&](dim_t i, int worker) {
    const frame_tiles::piece p = s.tiles.at(i, o.n);
    const dim_t size = (p.t1 - p.t0) * o.n.bins;
    float* const columns = s.columns + worker * in * taps * s.tiles.values;
    float* const y = o.y + p.item * o.out * plane + p.t0 * o.n.bins;
    unfold(o.n, o.s, in, p.t0, p.t1, o.x + p.item * in * plane, columns);
    for (dim_t c = 0; c < o.out && o.bias; ++c) fill_row(size, nullptr, o.bias[c], y + c * plane);
    gemm(transpose::no, transpose::no, o.out, size, in * taps, o.weight, in * taps, columns, size, o.bias ? 1.f : 0.f, y,
         plane);
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::conv2d_bwd<float>& o) {
  // Whether dx is wanted is not known while memory is planned.
  op::conv2d_bwd<float> all = o;
  float some;
  all.dx = &some;
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::conv2d_bwd_scratch(m, backend, all); });
}

inline void execute(cpu& backend, const op::conv2d_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  conv2d_bwd_scratch s(memory, backend, o);
  const dim_t plane = o.n.plane(), in = o.n.channels, tiles = o.n.batch * s.tiles.count;
  for_pieces(backend, s.groups, [&](dim_t g, int worker) {
    float* const columns = s.columns + worker * s.seen * s.tiles.values;
    float* const dweight = s.dweight + g * s.size;
    const dim_t begin = g * tiles / s.groups, end = (g + 1) * tiles / s.groups;
    for (dim_t i = begin; i < end; ++i) {
      const frame_tiles::piece p = s.tiles.at(i, o.n);
      const dim_t size = (p.t1 - p.t0) * o.n.bins, first = p.t0 * o.n.bins;
      const float *x = o.x + p.item * in * plane, *dy = o.dy + p.item * o.out * plane;
      const float beta = i > begin ? 1.f : 0.f;
      unfold(o.n, o.s, o.transposed ? o.out : in, p.t0, p.t1, o.transposed ? dy : x, columns);
      if (o.transposed) {
        gemm(transpose::no, transpose::yes, in, s.seen, size, x + first, plane, columns, size, beta, dweight, s.seen);
        if (o.dx)
          gemm(transpose::no, transpose::no, in, size, s.seen, o.weight, s.seen, columns, size, 0.f,
               o.dx + p.item * in * plane + first, plane);
      } else {
        gemm(transpose::no, transpose::yes, o.out, s.seen, size, dy + first, plane, columns, size, beta, dweight, s.seen);
        if (o.dx)
          gemm(transpose::yes, transpose::no, s.seen, size, o.out, o.weight, s.seen, dy + first, plane, 0.f,
               s.dcolumns + p.item * s.seen * plane + first, plane);
      }
    }
  });
  add_parts(backend, s.size, s.groups, o.dweight, [&](dim_t g) { return s.dweight + g * s.size; });
  if (o.dbias)
    for_pieces(backend, o.out, [&](dim_t c, int) {
      for (dim_t b = 0; b < o.n.batch; ++b) o.dbias[c] += static_cast<float>(sum_row(plane, o.dy + (b * o.out + c) * plane));
    });
  for (dim_t b = 0; b < o.n.batch && o.dx && !o.transposed; ++b)
    fold(backend, o.n, o.s, in, s.dcolumns + b * s.seen * plane, nullptr, o.dx + b * in * plane);
}

inline void execute(cpu& backend, const op::grouped_pointwise_fwd<float>& o, void*) {
  using namespace cpu_kernel;
  for_pieces(backend, o.batch * o.groups, [&](dim_t i, int) {
    const float* const x = o.x + i * o.in * o.frames;
    for (dim_t j = 0; j < o.out; ++j) {
      const dim_t r = i % o.groups * o.out + j;
      const float* const w = o.weight + r * o.in;
      simd::for_each(o.frames, [&](auto v, dim_t t) {
        using V = decltype(v);
        V sum = V{} + (o.bias ? o.bias[r] : 0.f);
        for (dim_t k = 0; k < o.in; ++k) sum += simd::load<V>(x + k * o.frames + t) * w[k];
        simd::store(o.y + (i * o.out + j) * o.frames + t, sum);
      });
    }
  });
}

inline void execute(cpu& backend, const op::grouped_pointwise_bwd<float>& o, void*) {
  using namespace cpu_kernel;
  for_pieces(backend, o.groups, [&](dim_t g, int) {
    for (dim_t b = 0; b < o.batch; ++b) {
      const dim_t i = b * o.groups + g;
      const float *x = o.x + i * o.in * o.frames, *dy = o.dy + i * o.out * o.frames;
      const float* const w = o.weight + g * o.out * o.in;
      float* const dx = o.dx + i * o.in * o.frames;
      for (dim_t j = 0; j < o.out; ++j) {
        if (o.dbias) o.dbias[g * o.out + j] += sum_row(o.frames, dy + j * o.frames);
        for (dim_t k = 0; k < o.in; ++k)
          o.dweight[(g * o.out + j) * o.in + k] += dot_row(o.frames, dy + j * o.frames, x + k * o.frames);
      }
      for (dim_t k = 0; k < o.in; ++k)
        simd::for_each(o.frames, [&](auto v, dim_t t) {
          using V = decltype(v);
          V sum = o.accumulate ? simd::load<V>(dx + k * o.frames + t) : V{};
          for (dim_t j = 0; j < o.out; ++j) sum += simd::load<V>(dy + j * o.frames + t) * w[j * o.in + k];
          simd::store(dx + k * o.frames + t, sum);
        });
    }
  });
}

}  // namespace avss
