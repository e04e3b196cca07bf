// PReLU and normalisation as operations of their own.
#pragma once

#include <algorithm>
#include <avss/cpu/act_norm_rows.hpp>
#include <avss/cpu/act_norm_sums.hpp>
#include <avss/cpu/backend.hpp>
#include <avss/op/act_norm.hpp>

namespace avss {
namespace cpu_kernel {

// The rows of a [B, C, T] array in pieces: a long one is several threads' work. (A PReLU alone is given as one row.)
struct row_piece {
  dim_t item, channel, first, size;  // frames [first, first + size)
  dim_t offset;                      // of the first, in the array
};
class row_pieces {
 public:
  static constexpr dim_t longest = 16384;  // frames

  row_pieces(dim_t batch, dim_t channels, dim_t frames)
      : channels_(channels), frames_(frames), in_row_((frames + longest - 1) / longest), rows_(batch * channels) {}
  dim_t count() const { return rows_ * in_row_; }
  row_piece at(dim_t i) const {
    const dim_t row = i / in_row_, first = i % in_row_ * longest;
    return {row / channels_, row % channels_, first, std::min(longest, frames_ - first), row * frames_ + first};
  }

 private:
  dim_t channels_, frames_, in_row_, rows_;
};

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu&, const op::moments<float>& o) {
  return cpu_kernel::layout_bytes(
      [&](carver& m) { cpu_kernel::moment_sums(m, o.f, o.batch, o.frames, tiled::count(o.frames)); });
}

inline void execute(cpu& backend, const op::moments<float>& o, void* scratch) {
  const dim_t tiles = tiled::count(o.frames);
  carver memory(scratch);
  cpu_kernel::moment_sums sums(memory, o.f, o.batch, o.frames, tiles);
  for_pieces(backend, o.batch * tiles, [&](dim_t i, int) {
    const tiled::piece p = tiled::at(i, o.frames);
    sums.add_tile(p, i % tiles, o.channels, o.x + p.item * o.channels * o.frames + p.first);
  });
  sums.finish(o.channels);
}

inline void execute(cpu& backend, const op::act_norm_fwd<float>& o, void*) {
  const cpu_kernel::row_pieces pieces(o.batch, o.channels, o.frames);
  for_pieces(backend, pieces.count(), [&](dim_t i, int) {
    const cpu_kernel::row_piece p = pieces.at(i);
    cpu_kernel::apply_row(o.f, p.item, p.channel, p.first, p.size, o.frames, o.x + p.offset, o.y + p.offset);
  });
}

inline std::size_t scratch_bytes(const cpu&, const op::act_norm_close<float>& o) {
  return cpu_kernel::layout_bytes(
      [&](carver& m) { cpu_kernel::gradient_sums(m, o.g, o.batch, o.channels, o.frames, tiled::count(o.frames)); });
}

inline void execute(cpu& backend, const op::act_norm_close<float>& o, void* scratch) {
  const dim_t tiles = tiled::count(o.frames);
  carver memory(scratch);
  cpu_kernel::gradient_sums sums(memory, o.g, o.batch, o.channels, o.frames, tiles);
  for_pieces(backend, o.batch * tiles, [&](dim_t i, int) { sums.add_tile(tiled::at(i, o.frames), i % tiles); });
  sums.finish();
}

namespace cpu_kernel {

struct act_norm_bwd_scratch {
  act_norm_bwd_scratch(carver& m, const cpu& backend, const op::act_norm_bwd<float>& o)
      : pieces(o.batch, o.channels, o.frames),
        dslope(m.take<double>(pieces.count())),
        rows(m.take<float>(o.accumulate ? backend.threads * row_pieces::longest : 0)) {}
  row_pieces pieces;
  double* dslope;
  float* rows;
};

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::act_norm_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::act_norm_bwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::act_norm_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const act_norm_bwd_scratch s(memory, backend, o);
  for_pieces(backend, s.pieces.count(), [&](dim_t i, int worker) {
    const row_piece p = s.pieces.at(i);
    float* const to = o.accumulate ? s.rows + worker * row_pieces::longest : o.dx + p.offset;
    s.dslope[i] = go_back_row(o.g, p.item, p.channel, p.first, p.size, o.frames, o.g.x ? o.g.x + p.offset : nullptr,
                              o.g.df + p.offset, to);
    if (o.accumulate) add_row(p.size, to, o.dx + p.offset);
  });
  if (o.g.f.slope)
    add_sum(
        s.pieces.count(), [&](dim_t i) { return s.dslope[i]; }, *o.g.dslope);
}

}  // namespace avss
