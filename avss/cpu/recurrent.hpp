// Recurrences. Of LSTMs, the products with the last results are matrix products, a step of a block of rows at a time.
#pragma once

#include <avss/cpu/sru.hpp>
#include <avss/cpu/windows.hpp>

namespace avss {
namespace cpu_kernel {

template <class V>
[[gnu::always_inline]] inline V tanh(V x) {
  return 2.f * simd::sigmoid(2.f * x) - 1.f;
}

inline constexpr dim_t lstm_rows = 64;
inline dim_t lstm_blocks(const op::lstm_size& n) { return (n.rows + lstm_rows - 1) / lstm_rows; }

struct lstm_block {
  lstm_block(const op::lstm_size& size, dim_t i) : n(size), row0(i * lstm_rows), rows(std::min(lstm_rows, n.rows - row0)) {}
  // Of the block's first row; before the first turn, none.
  dim_t place(dim_t turn) const { return (n.backward ? n.steps - 1 - turn : turn) * n.rows + row0; }
  op::lstm_size n;
  dim_t row0, rows;
};

inline void lstm_gates(const op::lstm_fwd<float>& o, float* g, const float* before, float* c, float* h) {
  const dim_t d = o.n.hidden;
  simd::for_each(d, [&](auto v, dim_t i) {
    using V = decltype(v);
    const auto gate = [&](dim_t which) {
      const dim_t at = which * d + i;
      return simd::load<V>(g + at) + simd::load<V>(o.bias_ih + at) + simd::load<V>(o.bias_hh + at);
    };
    const V input = simd::sigmoid(gate(0)), forget = simd::sigmoid(gate(1)), cell = tanh(gate(2)),
            output = simd::sigmoid(gate(3));
    V now = input * cell;
    if (before) now += forget * simd::load<V>(before + i);
    simd::store(g + i, input);
    simd::store(g + d + i, forget);
    simd::store(g + 2 * d + i, cell);
    simd::store(g + 3 * d + i, output);
    simd::store(c + i, now);
    simd::store(h + i, output * tanh(now));
  });
}

// g: from the gates to their gradients. dc, dh: from the step after; dc then for the step before.
inline void lstm_gates_back(dim_t d, float* g, const float* c, const float* c_before, const float* dy, const float* dh,
                            float* dc) {
  simd::for_each(d, [&](auto v, dim_t i) {
    using V = decltype(v);
    const V input = simd::load<V>(g + i), forget = simd::load<V>(g + d + i), cell = simd::load<V>(g + 2 * d + i),
            output = simd::load<V>(g + 3 * d + i);
    const V all = simd::load<V>(dh + i) + simd::load<V>(dy + i), tanh_c = tanh(simd::load<V>(c + i));
    const V now = simd::load<V>(dc + i) + all * output * (1.f - tanh_c * tanh_c);
    simd::store(g + i, now * cell * input * (1.f - input));
    simd::store(g + d + i, c_before ? now * simd::load<V>(c_before + i) * forget * (1.f - forget) : V{});
    simd::store(g + 2 * d + i, now * input * (1.f - cell * cell));
    simd::store(g + 3 * d + i, all * tanh_c * output * (1.f - output));
    simd::store(dc + i, now * forget);
  });
}

struct lstm_bwd_scratch {
  lstm_bwd_scratch(carver& m, const cpu& backend, const op::lstm_bwd<float>& o)
      : states(m.take<float>(backend.threads * 2 * lstm_rows * o.n.hidden)),
        before((o.n.steps - 1) * o.n.rows),
        groups(std::clamp<dim_t>(before / 512, 1, 16)),
        dweight(m.take<float>(groups * 4 * o.n.hidden * o.n.hidden)) {}
  float* states;
  dim_t before, groups;  // before: vectors that another one follows
  float* dweight;
};

}  // namespace cpu_kernel

inline void execute(cpu& backend, const op::lstm_fwd<float>& o, void*) {
  using namespace cpu_kernel;
  const dim_t d = o.n.hidden;
  for_pieces(backend, lstm_blocks(o.n), [&](dim_t i, int) {
    const lstm_block block(o.n, i);
    for (dim_t turn = 0; turn < o.n.steps; ++turn) {
      const dim_t at = block.place(turn), before = turn > 0 ? block.place(turn - 1) : 0;
      if (turn > 0)
        gemm(transpose::no, transpose::yes, block.rows, 4 * d, d, o.h + before * o.n.pitch, o.n.pitch, o.weight_hh, d, 1.f,
             o.gates + at * 4 * d, 4 * d);
      for (dim_t r = 0; r < block.rows; ++r)
        lstm_gates(o, o.gates + (at + r) * 4 * d, turn > 0 ? o.c + (before + r) * d : nullptr, o.c + (at + r) * d,
                   o.h + (at + r) * o.n.pitch);
    }
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::lstm_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::lstm_bwd_scratch(m, backend, o); });
}

inline void execute(cpu& backend, const op::lstm_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const lstm_bwd_scratch s(memory, backend, o);
  const dim_t d = o.n.hidden;
  for_pieces(backend, lstm_blocks(o.n), [&](dim_t i, int worker) {
    const lstm_block block(o.n, i);
    float *const dh = s.states + worker * 2 * lstm_rows * d, *const dc = dh + lstm_rows * d;
    std::fill_n(dh, 2 * lstm_rows * d, 0.f);
    for (dim_t turn = o.n.steps; turn-- > 0;) {
      const dim_t at = block.place(turn), before = turn > 0 ? block.place(turn - 1) : 0;
      for (dim_t r = 0; r < block.rows; ++r)
        lstm_gates_back(d, o.gates + (at + r) * 4 * d, o.c + (at + r) * d, turn > 0 ? o.c + (before + r) * d : nullptr,
                        o.dh + (at + r) * o.n.pitch, dh + r * d, dc + r * d);
      if (turn > 0)
        gemm(transpose::no, transpose::no, block.rows, d, 4 * d, o.gates + at * 4 * d, 4 * d, o.weight_hh, d, 0.f, dh, d);
    }
  });
  // The gates of a step were made of the results of the one before, which lies `rows` vectors behind it or ahead.
  const dim_t gates_at = o.n.backward ? 0 : o.n.rows, h_at = o.n.backward ? o.n.rows : 0;
  for_pieces(backend, s.before > 0 ? s.groups : 0, [&](dim_t g, int) {
    const dim_t begin = g * s.before / s.groups, end = (g + 1) * s.before / s.groups;
    gemm(transpose::yes, transpose::no, 4 * d, d, end - begin, o.gates + (gates_at + begin) * 4 * d, 4 * d,
         o.h + (h_at + begin) * o.n.pitch, o.n.pitch, 0.f, s.dweight + g * 4 * d * d, d);
  });
  if (s.before > 0) add_parts(backend, 4 * d * d, s.groups, o.dweight_hh, [&](dim_t g) { return s.dweight + g * 4 * d * d; });
  add_columns(o.n.steps * o.n.rows, 4 * d, o.gates, o.dbias_ih);
  add_columns(o.n.steps * o.n.rows, 4 * d, o.gates, o.dbias_hh);
}

}  // namespace avss
