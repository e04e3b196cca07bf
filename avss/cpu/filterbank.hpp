// Learned filterbanks: frames are cut out tile by tile and multiplied; masks are made, applied and synthesised within a tile.
#pragma once

#include <avss/cpu/pointwise.hpp>
#include <avss/op/filterbank.hpp>

namespace avss {
namespace cpu_kernel {

// Frames [first, first + n) of a signal as columns: f[l, k] = x[(first + k) stride + l - left], zero outside [0, length).
inline void cut_frames(dim_t first, dim_t n, dim_t window, dim_t stride, dim_t left, dim_t length, const float* x, float* f) {
  for (dim_t l = 0; l < window; ++l) {
    const dim_t start = first * stride + l - left;  // of column 0
    const dim_t from = std::clamp<dim_t>(start >= 0 ? 0 : (-start + stride - 1) / stride, 0, n);
    const dim_t to = std::clamp<dim_t>(length > start ? (length - start + stride - 1) / stride : 0, from, n);
    float* const row = f + l * n;
    std::fill(row, row + from, 0.f);
    for (dim_t k = from; k < to; ++k) row[k] = x[start + k * stride];
    std::fill(row + to, row + n, 0.f);
  }
}

// The reverse: out[t] = bias + sum of f[l, k] over k stride + l - left == t. f [window, frames].
inline void overlap_add(const cpu& backend, dim_t signals, dim_t frames, dim_t window, dim_t stride, dim_t left, dim_t length,
                        const float* f, float bias, float* out) {
  constexpr dim_t block = 1024;  // hops
  const dim_t hops = (left + length + stride - 1) / stride, blocks = (hops + block - 1) / block;
  for_pieces(backend, signals * blocks, [&](dim_t i, int) {
    const float* const from = f + i / blocks * window * frames;
    float* const to = out + i / blocks * length;
    const dim_t first = i % blocks * block, last = std::min(first + block, hops);
    for (dim_t j = 0; j < stride; ++j)
      for (dim_t q = first; q < last; ++q) {
        const dim_t t = q * stride + j - left;
        if (t < 0 || t >= length) continue;
        float sum = bias;
        for (dim_t l = j, k = q; l < window && k >= 0; l += stride, --k)
          if (k < frames) sum += from[l * frames + k];
        to[t] = sum;
      }
  });
}

// Activates the masks of one tile: m [sources, size].
inline void activate_masks(activation act, dim_t sources, dim_t size, float* m) {
  if (act == activation::softmax) {
    simd::for_each(size, [&](auto v, dim_t i) {
      using V = decltype(v);
      V top = simd::load<V>(m + i), sum{};
      for (dim_t s = 1; s < sources; ++s) {
        const V x = simd::load<V>(m + s * size + i);
        top = x > top ? x : top;
      }
      for (dim_t s = 0; s < sources; ++s) {
        const V e = simd::exp(simd::load<V>(m + s * size + i) - top);
        sum += e;
        simd::store(m + s * size + i, e);
      }
      for (dim_t s = 0; s < sources; ++s) simd::store(m + s * size + i, simd::load<V>(m + s * size + i) / sum);
    });
    return;
  }
  if (act == activation::identity) return;
  simd::for_each(sources * size, [&](auto v, dim_t i) {
    using V = decltype(v);
    const V x = simd::load<V>(m + i);
    simd::store(m + i, act == activation::sigmoid ? simd::sigmoid(x) : x < 0.f ? V{} : x);
  });
}

// d [sources, size] holds dL/dmask and then dL/d(before the activation).
inline void activate_masks_bwd(activation act, dim_t sources, dim_t size, const float* m, float* d) {
  if (act == activation::identity) return;
  simd::for_each(size, [&](auto v, dim_t i) {
    using V = decltype(v);
    V dot{};
    if (act == activation::softmax)
      for (dim_t s = 0; s < sources; ++s) dot += simd::load<V>(m + s * size + i) * simd::load<V>(d + s * size + i);
    for (dim_t s = 0; s < sources; ++s) {
      const V mask = simd::load<V>(m + s * size + i), dm = simd::load<V>(d + s * size + i);
      V dx;
      if (act == activation::relu)
        dx = mask > 0.f ? dm : V{};
      else if (act == activation::sigmoid)
        dx = dm * mask * (1.f - mask);
      else
        dx = mask * (dm - dot);
      simd::store(d + s * size + i, dx);
    }
  });
}

struct analysis_fwd_scratch {
  analysis_fwd_scratch(carver& m, const cpu& backend, const op::analysis_fwd<float>& o)
      : cut(m.take<float>(backend.threads * o.window * tiled::tile)),
        sums(m, o.next, o.batch, o.frames, tiled::count(o.frames)) {}
  float* cut;
  moment_sums sums;
};

struct analysis_bwd_scratch {
  analysis_bwd_scratch(carver& m, const cpu& backend, const op::analysis_bwd<float>& o)
      : n_groups(tiled::groups(o.batch, o.frames)),
        cut(m.take<float>(backend.threads * o.window * tiled::tile)),
        dweight(m.take<float>(n_groups * o.filters * o.window)),
        dbias(m.take<float>(n_groups * o.filters)),
        dcut(m.take<float>(o.batch * o.window * o.frames)) {}
  dim_t n_groups;
  float *cut, *dweight, *dbias, *dcut;
};

// One tile of masks at a time: [sources, filters, tile].
struct synthesis_tiles {
  synthesis_tiles(carver& m, const cpu& backend, const op::masked_synthesis_fwd<float>& o, int mask_tiles)
      : z(m.take<float>(backend.threads * o.in * tiled::tile)),
        masks(m.take<float>(backend.threads * mask_tiles * o.sources * o.filters * tiled::tile)) {}
  float *z, *masks;
};

struct synthesis_fwd_scratch {
  synthesis_fwd_scratch(carver& m, const cpu& backend, const op::masked_synthesis_fwd<float>& o)
      : tiles(m, backend, o, 1), cut(m.take<float>(o.batch * o.sources * o.window * o.frames)) {}
  synthesis_tiles tiles;
  float* cut;
};

struct synthesis_bwd_scratch {
  synthesis_bwd_scratch(carver& m, const cpu& backend, const op::masked_synthesis_bwd<float>& o)
      : n_groups(tiled::groups(o.fwd.batch, o.fwd.frames)),
        tiles(m, backend, o.fwd, 2),
        cut(m.take<float>(backend.threads * o.fwd.window * tiled::tile)),
        dmask_weight(m.take<float>(n_groups * o.fwd.sources * o.fwd.filters * o.fwd.in)),
        dmask_bias(m.take<float>(n_groups * o.fwd.sources * o.fwd.filters)),
        ddecoder(m.take<float>(n_groups * o.fwd.filters * o.fwd.window)),
        dslope(m.take<double>(n_groups)) {}
  dim_t n_groups;
  synthesis_tiles tiles;
  float *cut, *dmask_weight, *dmask_bias, *ddecoder;
  double* dslope;
};

// The masks of a tile, activated, in `masks`; returns f(z).
inline tile_input make_masks(const op::masked_synthesis_fwd<float>& o, tiled::piece p, float* z, float* masks) {
  act_norm f;
  f.slope = o.slope;
  const tile_input fz = make_input(f, p, o.in, o.frames, o.z, z);
  const dim_t rows = o.sources * o.filters;
  for (dim_t n = 0; n < rows && o.mask_bias; ++n) fill_row(p.size, nullptr, o.mask_bias[n], masks + n * p.size);
  gemm(transpose::no, transpose::no, rows, p.size, o.in, o.mask_weight, o.in, fz.data, fz.row, o.mask_bias ? 1.f : 0.f, masks,
       p.size);
  activate_masks(o.act, o.sources, o.filters * p.size, masks);
  return fz;
}

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::analysis_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::analysis_fwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::analysis_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  analysis_fwd_scratch s(memory, backend, o);
  const dim_t tiles = tiled::count(o.frames);
  for_pieces(backend, o.batch * tiles, [&](dim_t i, int worker) {
    const tiled::piece p = tiled::at(i, o.frames);
    float* const cut = s.cut + worker * o.window * tiled::tile;
    float* const w = o.w + p.item * o.filters * o.frames + p.first;
    cut_frames(p.first, p.size, o.window, o.stride, o.left, o.length, o.x + p.item * o.length, cut);
    gemm(transpose::no, transpose::no, o.filters, p.size, o.window, o.weight, o.window, cut, p.size, 0.f, w, o.frames);
    if (o.bias || o.act == activation::relu)
      for (dim_t n = 0; n < o.filters; ++n) {
        const float bias = o.bias ? o.bias[n] : 0.f;
        simd::for_each(p.size, [&](auto v, dim_t t) {
          using V = decltype(v);
          const V x = simd::load<V>(w + n * o.frames + t) + bias;
          simd::store(w + n * o.frames + t, o.act == activation::relu ? (x < 0.f ? V{} : x) : x);
        });
      }
    s.sums.add_tile(p, i % tiles, o.filters, w);
  });
  s.sums.finish(o.filters);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::analysis_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::analysis_bwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::analysis_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  analysis_bwd_scratch s(memory, backend, o);
  const dim_t all = o.batch * tiled::count(o.frames);
  for_pieces(backend, s.n_groups, [&](dim_t g, int worker) {
    float* const cut = s.cut + worker * o.window * tiled::tile;
    float* const dbias = s.dbias + g * o.filters;
    std::fill_n(dbias, o.filters, 0.f);
    const dim_t begin = g * all / s.n_groups, end = (g + 1) * all / s.n_groups;
    for (dim_t i = begin; i < end; ++i) {
      const tiled::piece p = tiled::at(i, o.frames);
      const dim_t at = p.item * o.filters * o.frames + p.first;
      float* const dw = o.dw + at;
      for (dim_t n = 0; n < o.filters; ++n) {
        if (o.act == activation::relu)
          simd::for_each(p.size, [&](auto v, dim_t t) {
            using V = decltype(v);
            const V d = simd::load<V>(dw + n * o.frames + t);
            simd::store(dw + n * o.frames + t, simd::load<V>(o.w + at + n * o.frames + t) > 0.f ? d : V{});
          });
        if (o.dbias) dbias[n] += sum_row(p.size, dw + n * o.frames);
      }
      cut_frames(p.first, p.size, o.window, o.stride, o.left, o.length, o.x + p.item * o.length, cut);
      gemm(transpose::no, transpose::yes, o.filters, o.window, p.size, dw, o.frames, cut, p.size, i > begin ? 1.f : 0.f,
           s.dweight + g * o.filters * o.window, o.window);
      if (o.dx)
        gemm(transpose::yes, transpose::no, o.window, p.size, o.filters, o.weight, o.window, dw, o.frames, 0.f,
             s.dcut + p.item * o.window * o.frames + p.first, o.frames);
    }
  });
  add_parts(backend, o.filters * o.window, s.n_groups, o.dweight,
            [&](dim_t g) { return s.dweight + g * o.filters * o.window; });
  if (o.dbias) add_parts(backend, o.filters, s.n_groups, o.dbias, [&](dim_t g) { return s.dbias + g * o.filters; });
  if (o.dx) overlap_add(backend, o.batch, o.frames, o.window, o.stride, o.left, o.length, s.dcut, 0.f, o.dx);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::masked_synthesis_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::synthesis_fwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::masked_synthesis_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  synthesis_fwd_scratch s(memory, backend, o);
  for_pieces(backend, o.batch * tiled::count(o.frames), [&](dim_t i, int worker) {
    const tiled::piece p = tiled::at(i, o.frames);
    float* const masks = s.tiles.masks + worker * o.sources * o.filters * tiled::tile;
    make_masks(o, p, s.tiles.z + worker * o.in * tiled::tile, masks);
    for (dim_t source = 0; source < o.sources; ++source) {
      float* const masked = masks + source * o.filters * p.size;
      for (dim_t n = 0; n < o.filters; ++n) {
        const float* const w = o.w + (p.item * o.filters + n) * o.frames + p.first;
        simd::for_each(p.size, [&](auto v, dim_t t) {
          using V = decltype(v);
          simd::store(masked + n * p.size + t, simd::load<V>(masked + n * p.size + t) * simd::load<V>(w + t));
        });
      }
      gemm(transpose::yes, transpose::no, o.window, p.size, o.filters, o.decoder, o.window, masked, p.size, 0.f,
           s.cut + (p.item * o.sources + source) * o.window * o.frames + p.first, o.frames);
    }
  });
  overlap_add(backend, o.batch * o.sources, o.frames, o.window, o.stride, o.left, o.length, s.cut, o.bias ? *o.bias : 0.f,
              o.out);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::masked_synthesis_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::synthesis_bwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::masked_synthesis_bwd<float>& g, void* scratch) {
  using namespace cpu_kernel;
  const op::masked_synthesis_fwd<float>& o = g.fwd;
  carver memory(scratch);
  synthesis_bwd_scratch s(memory, backend, g);
  const dim_t all = o.batch * tiled::count(o.frames), rows = o.sources * o.filters;
  for_pieces(backend, s.n_groups, [&](dim_t group, int worker) {
    float* const masks = s.tiles.masks + worker * 2 * rows * tiled::tile;
    float* const dmasks = masks + rows * tiled::tile;
    float* const cut = s.cut + worker * o.window * tiled::tile;
    float* const dmask_bias = s.dmask_bias + group * rows;
    std::fill_n(dmask_bias, rows, 0.f);
    s.dslope[group] = 0;
    const dim_t begin = group * all / s.n_groups, end = (group + 1) * all / s.n_groups;
    for (dim_t i = begin; i < end; ++i) {
      const tiled::piece p = tiled::at(i, o.frames);
      const tile_input fz = make_masks(o, p, s.tiles.z + worker * o.in * tiled::tile, masks);
      const float* const w = o.w + p.item * o.filters * o.frames + p.first;
      float* const dw = g.dw + p.item * o.filters * o.frames + p.first;
      for (dim_t source = 0; source < o.sources; ++source) {
        float* const d = dmasks + source * o.filters * p.size;  // of the masked frames, then of the masks
        cut_frames(p.first, p.size, o.window, o.stride, o.left, o.length, g.dout + (p.item * o.sources + source) * o.length,
                   cut);
        gemm(transpose::no, transpose::no, o.filters, p.size, o.window, o.decoder, o.window, cut, p.size, 0.f, d, p.size);
        alignas(64) float masked[tiled::tile];
        for (dim_t n = 0; n < o.filters; ++n) {
          const float* const mask = masks + (source * o.filters + n) * p.size;
          float* const dm = d + n * p.size;
          float* const dwn = dw + n * o.frames;
          const float* const wn = w + n * o.frames;
          float* const dv = s.ddecoder + (group * o.filters + n) * o.window;
          simd::for_each(p.size, [&](auto v, dim_t t) {
            using V = decltype(v);
            simd::store(masked + t, simd::load<V>(mask + t) * simd::load<V>(wn + t));
          });
          for (dim_t l = 0; l < o.window; ++l)
            dv[l] = (i > begin || source > 0 ? dv[l] : 0.f) + dot_row(p.size, masked, cut + l * p.size);
          simd::for_each(p.size, [&](auto v, dim_t t) {
            using V = decltype(v);
            const V in = simd::load<V>(dm + t);
            const V part = in * simd::load<V>(mask + t);
            simd::store(dwn + t, source ? simd::load<V>(dwn + t) + part : part);
            simd::store(dm + t, in * simd::load<V>(wn + t));
          });
        }
      }
      activate_masks_bwd(o.act, o.sources, o.filters * p.size, masks, dmasks);
      gemm(transpose::no, transpose::yes, rows, o.in, p.size, dmasks, p.size, fz.data, fz.row, i > begin ? 1.f : 0.f,
           s.dmask_weight + group * rows * o.in, o.in);
      for (dim_t n = 0; n < rows && g.dmask_bias; ++n) dmask_bias[n] += sum_row(p.size, dmasks + n * p.size);
      float* const dz = g.dz + p.item * o.in * o.frames + p.first;
      gemm(transpose::yes, transpose::no, o.in, p.size, rows, o.mask_weight, o.in, dmasks, p.size, 0.f, dz, o.frames);
      if (o.slope) {
        act_norm_grad back;
        back.f.slope = o.slope;
        for (dim_t n = 0; n < o.in; ++n) {
          const float* const z = o.z + (p.item * o.in + n) * o.frames + p.first;
          s.dslope[group] += go_back_row(back, p.item, n, p.first, p.size, o.frames, z, dz + n * o.frames, dz + n * o.frames);
        }
      }
    }
  });
  const auto part = [](const float* base, dim_t size) { return [=](dim_t group) { return base + group * size; }; };
  add_parts(backend, rows * o.in, s.n_groups, g.dmask_weight, part(s.dmask_weight, rows * o.in));
  if (g.dmask_bias) add_parts(backend, rows, s.n_groups, g.dmask_bias, part(s.dmask_bias, rows));
  add_parts(backend, o.filters * o.window, s.n_groups, g.ddecoder, part(s.ddecoder, o.filters * o.window));
  if (o.slope)
    add_sum(
        s.n_groups, [&](dim_t group) { return s.dslope[group]; }, *g.dslope);
  if (g.dbias) *g.dbias += static_cast<float>(sum_row(o.batch * o.sources * o.length, g.dout));
}

}  // namespace avss
