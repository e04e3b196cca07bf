// Simple recurrent units: sixteen units of a row at a time; the rows of a block take a step together, so that their long
// chains of operations overlap.
#pragma once

#include <avss/cpu/act_norm.hpp>
#include <avss/op/recurrent.hpp>
#include <cstddef>
#include <utility>

namespace avss {
namespace cpu_kernel {

// The products of sixteen units, of which those of one unit lie together, as a vector for each product; and back.
template <auto At, std::size_t... I>
[[gnu::always_inline]] inline simd::vec pick(simd::vec a, simd::vec b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, At(static_cast<int>(I))...);
}
template <auto At>
[[gnu::always_inline]] inline simd::vec pick(simd::vec a, simd::vec b) {
  return pick<At>(a, b, std::make_index_sequence<static_cast<std::size_t>(simd::lanes)>());
}

// Value i P + p of 16 P in P vectors goes to lane i of vector p.
template <int P, int p>
[[gnu::always_inline]] inline simd::vec gather_product(const simd::vec* from) {
  constexpr auto low = [](int i) { return i * P + p < 32 ? i * P + p : 0; };
  constexpr auto high = [](int i) { return i * P + p < 32 ? 0 : i * P + p - 32; };
  const simd::vec a = pick<low>(from[0], from[1]);
  constexpr auto both = [](int i) { return i * P + p < 32 ? i : 16 + i; };
  return pick<both>(a, pick<high>(from[2], from[P - 1]));
}
// Vector q of the P: value e = 16 q + j is that of unit e / P and product e % P.
template <int P, int q>
[[gnu::always_inline]] inline simd::vec scatter_product(const simd::vec* s) {
  constexpr auto first = [](int j) { return (16 * q + j) % P == 1 ? 16 + (16 * q + j) / P : (16 * q + j) / P; };
  constexpr auto second = [](int j) { return (16 * q + j) % P == 3 ? 16 + (16 * q + j) / P : (16 * q + j) / P; };
  constexpr auto both = [](int j) { return (16 * q + j) % P >= 2 ? 16 + j : j; };
  return pick<both>(pick<first>(s[0], s[1]), pick<second>(s[2], s[P - 1]));
}

template <int P>
void load_products(const float* u, simd::vec* s) {
  simd::vec from[P];
  for (int q = 0; q < P; ++q) from[q] = simd::load<simd::vec>(u + q * simd::lanes);
  s[0] = gather_product<P, 0>(from);
  s[1] = gather_product<P, 1>(from);
  s[2] = gather_product<P, 2>(from);
  if constexpr (P == 4) s[3] = gather_product<P, 3>(from);
}
template <int P>
void load_products(const float* u, float* s) {
  for (int q = 0; q < P; ++q) s[q] = u[q];
}
template <int P>
void store_products(float* u, const simd::vec* s) {
  simd::store(u, scatter_product<P, 0>(s));
  simd::store(u + simd::lanes, scatter_product<P, 1>(s));
  simd::store(u + 2 * simd::lanes, scatter_product<P, 2>(s));
  if constexpr (P == 4) simd::store(u + 3 * simd::lanes, scatter_product<P, 3>(s));
}
template <int P>
void store_products(float* u, const float* s) {
  for (int q = 0; q < P; ++q) u[q] = s[q];
}

// Rows that take their steps together, and the order of the steps.
inline constexpr dim_t sru_rows = 8;

struct sru_lanes {
  op::sru_size n;
  dim_t row0, row1;

  dim_t width() const { return 2 * n.hidden; }
  // body(V{}, row, gate) for all units of the block that run in one direction.
  template <class Body>
  void each(bool backward, Body&& body) const {
    for (dim_t r = row0; r < row1; ++r)
      simd::for_each(n.hidden, [&](auto v, dim_t i) { body(v, r, (backward ? n.hidden : 0) + i); });
  }
  dim_t place(dim_t turn, bool backward, dim_t row, dim_t gate) const {
    return ((backward ? n.steps - 1 - turn : turn) * n.rows + row) * width() + gate;
  }
};

// What a unit does at one step.
template <int P, class V>
struct sru_step {
  V s[4];  // the products; the last is the highway
  V forget, reset, c;

  [[gnu::always_inline]] sru_step(const float* u, const float* x, const float* v, const float* b, dim_t width, dim_t place,
                                  dim_t gate, V before) {
    load_products<P>(u + place * P, s);
    if constexpr (P == 3) s[3] = simd::load<V>(x + place);
    forget = simd::sigmoid(s[1] + simd::load<V>(v + gate) * before + simd::load<V>(b + gate));
    reset = simd::sigmoid(s[2] + simd::load<V>(v + width + gate) * before + simd::load<V>(b + width + gate));
    c = forget * (before - s[0]) + s[0];
  }
};

template <int P>
void sru_forward(const op::sru_fwd<float>& o, const sru_lanes& block, float* cells) {
  const dim_t width = block.width();
  std::fill_n(cells, (block.row1 - block.row0) * width, 0.f);
  for (dim_t turn = 0; turn < o.n.steps; ++turn)
    for (bool backward : {false, true})
      block.each(backward, [&](auto v, dim_t row, dim_t gate) {
        using V = decltype(v);
        const dim_t place = block.place(turn, backward, row, gate);
        if (turn + 1 < o.n.steps) simd::prefetch(o.u + block.place(turn + 1, backward, row, gate) * P, sizeof(V) / 4 * P);
        float* const cell = cells + (row - block.row0) * width + gate;
        const sru_step<P, V> s(o.u, o.x, o.weight_c, o.bias, width, place, gate, simd::load<V>(cell));
        simd::store(cell, s.c);
        if (o.c) simd::store(o.c + place, s.c);
        simd::store(o.h + place, s.reset * (s.c - s.s[3]) + s.s[3]);
      });
}

template <class V>
[[gnu::always_inline]] inline void add_to(float* p, V v) {
  simd::store(p, simd::load<V>(p) + v);
}

// dcells [rows, width]; sums: of the gradients of weight_c and bias [4 width].
template <int P>
void sru_backward(const op::sru_bwd<float>& o, const sru_lanes& block, float* dcells, float* sums) {
  const dim_t width = block.width();
  std::fill_n(dcells, (block.row1 - block.row0) * width, 0.f);
  std::fill_n(sums, 4 * width, 0.f);
  for (dim_t turn = o.n.steps; turn-- > 0;)
    for (bool backward : {false, true})
      block.each(backward, [&](auto v, dim_t row, dim_t gate) {
        using V = decltype(v);
        const dim_t place = block.place(turn, backward, row, gate);
        const V before = turn > 0 ? simd::load<V>(o.c + block.place(turn - 1, backward, row, gate)) : V{};
        const sru_step<P, V> s(o.u, o.x, o.weight_c, o.bias, width, place, gate, before);
        float* const dcell = dcells + (row - block.row0) * width + gate;
        const V dh = simd::load<V>(o.dh + place), dc = simd::load<V>(dcell) + dh * s.reset;
        const V dreset = dh * (s.c - s.s[3]) * s.reset * (1.f - s.reset);
        const V dforget = dc * (before - s.s[0]) * s.forget * (1.f - s.forget);
        const V dhighway = dh * (1.f - s.reset);
        const V du[4] = {dc * (1.f - s.forget), dforget, dreset, dhighway};
        store_products<P>(o.du + place * P, du);
        if constexpr (P == 3) simd::store(o.dx + place, dhighway);
        add_to(sums + gate, dforget * before);
        add_to(sums + width + gate, dreset * before);
        add_to(sums + 2 * width + gate, dforget);
        add_to(sums + 3 * width + gate, dreset);
        simd::store(dcell, dc * s.forget + dforget * simd::load<V>(o.weight_c + gate) +
                               dreset * simd::load<V>(o.weight_c + width + gate));
      });
}

inline dim_t sru_blocks(const op::sru_size& n) { return (n.rows + sru_rows - 1) / sru_rows; }
inline sru_lanes sru_block(const op::sru_size& n, dim_t i) { return {n, i * sru_rows, std::min((i + 1) * sru_rows, n.rows)}; }

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::sru_fwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { m.take<float>(backend.threads * cpu_kernel::sru_rows * 2 * o.n.hidden); });
}

inline void execute(cpu& backend, const op::sru_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const dim_t cells = sru_rows * 2 * o.n.hidden;
  float* const memory = static_cast<float*>(scratch);
  for_pieces(backend, sru_blocks(o.n), [&](dim_t i, int worker) {
    if (o.n.products == 4)
      sru_forward<4>(o, sru_block(o.n, i), memory + worker * cells);
    else
      sru_forward<3>(o, sru_block(o.n, i), memory + worker * cells);
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::sru_bwd<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) {
    m.take<float>(backend.threads * cpu_kernel::sru_rows * 2 * o.n.hidden);
    m.take<float>(cpu_kernel::sru_blocks(o.n) * 8 * o.n.hidden);
  });
}

inline void execute(cpu& backend, const op::sru_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const dim_t cells = sru_rows * 2 * o.n.hidden, gates = 8 * o.n.hidden, blocks = sru_blocks(o.n);
  carver memory(scratch);
  float* const dcells = memory.take<float>(backend.threads * cells);
  float* const sums = memory.take<float>(blocks * gates);
  for_pieces(backend, blocks, [&](dim_t i, int worker) {
    if (o.n.products == 4)
      sru_backward<4>(o, sru_block(o.n, i), dcells + worker * cells, sums + i * gates);
    else
      sru_backward<3>(o, sru_block(o.n, i), dcells + worker * cells, sums + i * gates);
  });
  for (dim_t i = 0; i < blocks; ++i) {
    add_row(gates / 2, sums + i * gates, o.dweight_c);
    add_row(gates / 2, sums + i * gates + gates / 2, o.dbias);
  }
}

}  // namespace avss
