// Pointwise convolution, tile by tile: activation and normalisation of the input, the matrix products, and the sums for the
// next normalisation are made while a tile is in the cache.
#pragma once

#include <avss/cpu/act_norm.hpp>  // the operations: networks use them behind these
#include <avss/cpu/act_norm_rows.hpp>
#include <avss/cpu/act_norm_sums.hpp>
#include <avss/op/pointwise.hpp>

namespace avss {
namespace cpu_kernel {

// A tile of f(x), [in, size]: x itself where f does nothing, otherwise made in `buffer`.
struct tile_input {
  const float* data;
  dim_t row;  // length of a row in memory
};
inline tile_input make_input(const act_norm& f, tiled::piece p, dim_t in, dim_t frames, const float* x, float* buffer) {
  const float* const from = x + p.item * in * frames + p.first;
  if (f.identity()) return {from, frames};
  for (dim_t i = 0; i < in; ++i) {
    if (i + 1 < in) simd::prefetch(from + (i + 1) * frames, p.size);
    apply_row(f, p.item, i, p.first, p.size, frames, from + i * frames, buffer + i * p.size);
  }
  return {buffer, p.size};
}

struct pointwise_fwd_scratch {
  pointwise_fwd_scratch(carver& m, const cpu& backend, const op::pointwise_fwd<float>& o)
      : input(m.take<float>(o.f.identity() ? 0 : backend.threads * o.in * tiled::tile)),
        sums(m, o.next, o.batch, o.frames, tiled::count(o.frames)) {}
  float* input;
  moment_sums sums;
};

// Gradients of the weights of one group of tiles.
struct pointwise_group {
  float* dweight[2];
  float* dbias[2];
  double dslope;
};

struct pointwise_bwd_scratch {
  pointwise_bwd_scratch(carver& m, const cpu& backend, const op::pointwise_bwd<float>& o)
      : n_groups(tiled::groups(o.batch, o.frames)),
        input(m.take<float>(o.input.f.identity() ? 0 : backend.threads * o.in * tiled::tile)),
        sums(m, o.input, o.batch, o.in, o.frames, tiled::count(o.frames)),
        group(m.take<pointwise_group>(n_groups)) {
    for (dim_t g = 0; g < n_groups; ++g)
      for (int k = 0; k < o.n_targets; ++k) {
        float* const dweight = m.take<float>(o.target[k].out * o.in);
        float* const dbias = m.take<float>(o.target[k].out);
        if (!group) continue;
        group[g].dweight[k] = dweight;
        group[g].dbias[k] = dbias;
      }
  }
  dim_t n_groups;
  float* input;
  gradient_sums sums;
  pointwise_group* group;
};

// total[i] += part_0[i] + part_1[i] + ...
template <class Part>
void add_parts(const cpu& backend, dim_t size, dim_t n_parts, float* total, Part&& part) {
  constexpr dim_t block = 4096;
  for_pieces(backend, (size + block - 1) / block, [&](dim_t i, int) {
    const dim_t first = i * block, n = std::min(block, size - first);
    for (dim_t g = 0; g < n_parts; ++g) add_row(n, part(g) + first, total + first);
  });
}

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::pointwise_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::pointwise_fwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::pointwise_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  pointwise_fwd_scratch s(memory, backend, o);
  const dim_t tiles = tiled::count(o.frames);
  for_pieces(backend, o.batch * tiles, [&](dim_t i, int worker) {
    const tiled::piece p = tiled::at(i, o.frames);
    const tile_input fx = make_input(o.f, p, o.in, o.frames, o.x, s.input + worker * o.in * tiled::tile);
    for (int k = 0; k < o.n_targets; ++k) {
      const op::pointwise_target<float>& to = o.target[k];
      const dim_t at = p.item * to.out * o.frames + p.first;
      const bool start = to.residual || to.bias;
      for (dim_t n = 0; n < to.out && start; ++n)
        fill_row(p.size, to.residual ? to.residual + at + n * o.frames : nullptr, to.bias ? to.bias[n] : 0.f,
                 to.y + at + n * o.frames);
      gemm(transpose::no, transpose::no, to.out, p.size, o.in, to.weight, o.in, fx.data, fx.row, start ? 1.f : 0.f, to.y + at,
           o.frames);
    }
    s.sums.add_tile(p, i % tiles, o.target[0].out, o.target[0].y + p.item * o.target[0].out * o.frames + p.first);
  });
  s.sums.finish(o.target[0].out);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::pointwise_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::pointwise_bwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::pointwise_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  pointwise_bwd_scratch s(memory, backend, o);
  const dim_t tiles = tiled::count(o.frames), all = o.batch * tiles;
  for_pieces(backend, s.n_groups, [&](dim_t g, int worker) {
    pointwise_group& group = s.group[g];
    group.dslope = 0;
    for (int k = 0; k < o.n_targets; ++k) std::fill_n(group.dbias[k], o.target[k].out, 0.f);
    const dim_t begin = g * all / s.n_groups, end = (g + 1) * all / s.n_groups;
    for (dim_t i = begin; i < end; ++i) {
      const tiled::piece p = tiled::at(i, o.frames);
      if (o.output.df)
        for (dim_t n = 0; n < o.target[0].out; ++n) {
          const dim_t at = (p.item * o.target[0].out + n) * o.frames + p.first;
          group.dslope += go_back_row(o.output, p.item, n, p.first, p.size, o.frames, o.output.x ? o.output.x + at : nullptr,
                                      o.output.df + at, o.output.df + at);
        }
      const tile_input fx = make_input(o.input.f, p, o.in, o.frames, o.input.x, s.input + worker * o.in * tiled::tile);
      for (int k = 0; k < o.n_targets; ++k) {
        const op::pointwise_target_grad<float>& to = o.target[k];
        const float* const dy = (o.output.df ? o.output.df : to.dy) + p.item * to.out * o.frames + p.first;
        gemm(transpose::no, transpose::yes, to.out, o.in, p.size, dy, o.frames, fx.data, fx.row, i > begin ? 1.f : 0.f,
             group.dweight[k], o.in);
        for (dim_t n = 0; n < to.out && to.dbias; ++n)
          group.dbias[k][n] += static_cast<float>(sum_row(p.size, dy + n * o.frames));
        gemm(transpose::yes, transpose::no, o.in, p.size, to.out, to.weight, o.in, dy, o.frames,
             o.accumulate || k > 0 ? 1.f : 0.f, o.input.df + p.item * o.in * o.frames + p.first, o.frames);
      }
      s.sums.add_tile(p, i % tiles);
    }
  });
  s.sums.finish();
  for (int k = 0; k < o.n_targets; ++k) {
    const op::pointwise_target_grad<float>& to = o.target[k];
    add_parts(backend, to.out * o.in, s.n_groups, to.dweight, [&](dim_t g) { return s.group[g].dweight[k]; });
    if (to.dbias) add_parts(backend, to.out, s.n_groups, to.dbias, [&](dim_t g) { return s.group[g].dbias[k]; });
  }
  if (o.output.df && o.output.f.slope)
    add_sum(
        s.n_groups, [&](dim_t g) { return s.group[g].dslope; }, *o.output.dslope);
}

}  // namespace avss
