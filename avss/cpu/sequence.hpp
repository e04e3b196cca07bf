// Between maps and sequences, and the matrix products along sequences.
#pragma once

#include <avss/cpu/map_rows.hpp>
#include <avss/cpu/windows.hpp>
#include <avss/op/sequence.hpp>

namespace avss {
namespace cpu_kernel {

// to[j, i] = from[i, j], or with plus[j, i] added; rows lie from_pitch, to_pitch and plus_pitch apart.
inline void turn(dim_t rows, dim_t columns, const float* from, dim_t from_pitch, float* to, dim_t to_pitch,
                 const float* plus = nullptr) {
  constexpr dim_t side = 16;
  for (dim_t i0 = 0; i0 < rows; i0 += side)
    for (dim_t j0 = 0; j0 < columns; j0 += side) {
      float block[side][side];
      const dim_t ni = std::min(side, rows - i0), nj = std::min(side, columns - j0);
      for (dim_t i = 0; i < ni; ++i)
        for (dim_t j = 0; j < nj; ++j) block[j][i] = from[(i0 + i) * from_pitch + j0 + j];
      for (dim_t j = 0; j < nj; ++j) {
        float* const row = to + (j0 + j) * to_pitch + i0;
        for (dim_t i = 0; i < ni; ++i) row[i] = plus ? block[j][i] + plus[(j0 + j) * to_pitch + i0 + i] : block[j][i];
      }
    }
}

// Where the vectors of one frame of a map lie among the sequences: bin f at first + f pitch.
struct frame_place {
  dim_t first, pitch;
};
inline frame_place place_of_frame(const op::walk& w, dim_t b, dim_t t) {
  const dim_t C = w.n.channels;
  if (w.along_bins) return {(b * w.n.frames + t) * C, w.rows() * C};
  return {(t * w.rows() + b * w.n.bins) * C, C};
}

// The product of a layer on windows, and the two that go back.
struct window_linear {
  window_linear(const op::window_size& n, bool in_major)
      : n(n),
        weights{{n.window, n.in, n.out},
                {in_major ? n.out : 1, in_major ? n.window * n.out : n.window, in_major ? 1 : n.in * n.window}},
        weights_back{{n.window, n.out, n.in}, {weights.stride[0], weights.stride[2], weights.stride[1]}},
        forward{n.out_steps() * n.rows, n.steps * n.rows, n.rows, n.window, n.in, n.out, false},
        back{n.steps * n.rows, n.out_steps() * n.rows, -n.rows, n.window, n.out, n.in, false},
        gradient{n.out_steps() * n.rows, n.rows, n.window, n.in, n.out} {}
  op::window_size n;
  turned weights, weights_back;
  shifted_product forward, back;
  shifted_gradient gradient;
};

// The same for the convolution that folds windows: forward and back change places.
struct window_fold {
  template <class Op>
  explicit window_fold(const Op& o)
      : weights{{o.window, o.in, o.out}, {1, o.out * o.window, o.window}},
        weights_back{{o.window, o.out, o.in}, {1, o.window, o.out * o.window}},
        forward{(o.steps + o.window - 1) * o.rows, o.steps * o.rows, -o.rows, o.window, o.in, o.out, false},
        back{o.steps * o.rows, (o.steps + o.window - 1) * o.rows, o.rows, o.window, o.out, o.in, false},
        gradient{o.steps * o.rows, o.rows, o.window, o.out, o.in} {}
  turned weights, weights_back;
  shifted_product forward, back;
  shifted_gradient gradient;
};

template <class Product>
struct product_scratch {
  product_scratch(carver& m, const cpu& backend, const Product& p)
      : weights(m.take<float>(p.weights.size())), panels(m.take<float>(p.forward.panel_values(backend))) {}
  float *weights, *panels;
};
template <class Product>
struct product_back_scratch {
  product_back_scratch(carver& m, const cpu& backend, const Product& p)
      : weights(m.take<float>(p.weights.size())),
        panels(m.take<float>(p.back.panel_values(backend))),
        dweights(m.take<float>(p.gradient.groups() * p.gradient.size())) {}
  float *weights, *panels, *dweights;
};
template <class Product>
std::size_t product_bytes(const cpu& backend, const Product& p) {
  return layout_bytes([&](carver& m) { product_scratch<Product>(m, backend, p); });
}
template <class Product>
std::size_t product_back_bytes(const cpu& backend, const Product& p) {
  return layout_bytes([&](carver& m) { product_back_scratch<Product>(m, backend, p); });
}

}  // namespace cpu_kernel

inline std::size_t scratch_bytes(const cpu& backend, const op::to_sequences<float>& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { m.take<float>(backend.threads * o.w.n.channels * o.w.n.bins); });
}

inline void execute(cpu& backend, const op::to_sequences<float>& o, void* scratch) {
  using namespace cpu_kernel;
  const op::map_size& n = o.w.n;
  float* const memory = static_cast<float*>(scratch);
  for_pieces(backend, n.batch * n.frames, [&](dim_t i, int worker) {
    const dim_t b = i / n.frames, t = i % n.frames;
    float* const frame = memory + worker * n.channels * n.bins;
    for (dim_t c = 0; c < n.channels; ++c)
      apply_frames(o.f, n, b, c, t, t + 1, o.x + (b * n.channels + c) * n.plane() + t * n.bins, nullptr, frame + c * n.bins);
    const frame_place p = place_of_frame(o.w, b, t);
    turn(n.channels, n.bins, frame, n.bins, o.y + p.first, p.pitch);
    if (o.table)
      for (dim_t f = 0; f < n.bins; ++f)
        add_row(n.channels, o.table + (o.w.along_bins ? f : t) * n.channels, o.y + p.first + f * p.pitch);
  });
}

inline void execute(cpu& backend, const op::from_sequences<float>& o, void*) {
  using namespace cpu_kernel;
  const op::map_size& n = o.w.n;
  for_pieces(backend, n.batch * n.frames, [&](dim_t i, int) {
    const dim_t b = i / n.frames, t = i % n.frames, at = b * n.channels * n.plane() + t * n.bins;
    const frame_place p = place_of_frame(o.w, b, t);
    turn(n.bins, n.channels, o.x + p.first, p.pitch, o.y + at, n.plane(), o.plus ? o.plus + at : nullptr);
  });
}

inline void execute(cpu& backend, const op::position_table<float>& o, void*) {
  for_pieces(backend, o.frames, [&](dim_t t, int) {
    for (dim_t c = 0; c < o.channels; ++c) o.y[t * o.channels + c] = static_cast<float>(position_value(t, c, o.channels));
  });
}

inline std::size_t scratch_bytes(const cpu& backend, const op::window_linear_fwd<float>& o) {
  return cpu_kernel::product_bytes(backend, cpu_kernel::window_linear(o.n, o.in_major));
}

inline void execute(cpu& backend, const op::window_linear_fwd<float>& o, void* scratch) {
  const cpu_kernel::window_linear p(o.n, o.in_major);
  carver memory(scratch);
  const cpu_kernel::product_scratch s(memory, backend, p);
  p.forward.run(backend, o.x, p.weights.lay(o.weight, s.weights), o.bias, s.panels, o.y);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::window_linear_bwd<float>& o) {
  return cpu_kernel::product_back_bytes(backend, cpu_kernel::window_linear(o.n, o.in_major));
}

inline void execute(cpu& backend, const op::window_linear_bwd<float>& o, void* scratch) {
  cpu_kernel::window_linear p(o.n, o.in_major);
  p.back.accumulate = o.accumulate;
  carver memory(scratch);
  const cpu_kernel::product_back_scratch s(memory, backend, p);
  p.gradient.run(backend, o.x, o.dy, s.dweights);
  p.weights.add_back(s.dweights, o.dweight);
  if (o.dbias) cpu_kernel::add_columns(p.forward.vectors, o.n.out, o.dy, o.dbias);
  p.back.run(backend, o.dy, p.weights_back.lay(o.weight, s.weights), nullptr, s.panels, o.dx);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::window_fold_fwd<float>& o) {
  return cpu_kernel::product_bytes(backend, cpu_kernel::window_fold(o));
}

inline void execute(cpu& backend, const op::window_fold_fwd<float>& o, void* scratch) {
  const cpu_kernel::window_fold p(o);
  carver memory(scratch);
  const cpu_kernel::product_scratch s(memory, backend, p);
  p.forward.run(backend, o.x, p.weights.lay(o.weight, s.weights), o.bias, s.panels, o.y);
}

inline std::size_t scratch_bytes(const cpu& backend, const op::window_fold_bwd<float>& o) {
  return cpu_kernel::product_back_bytes(backend, cpu_kernel::window_fold(o));
}

// What the gradient sees shifted is dy, so it comes out as [window, out, in].
inline void execute(cpu& backend, const op::window_fold_bwd<float>& o, void* scratch) {
  const cpu_kernel::window_fold p(o);
  carver memory(scratch);
  const cpu_kernel::product_back_scratch s(memory, backend, p);
  p.gradient.run(backend, o.dy, o.x, s.dweights);
  p.weights_back.add_back(s.dweights, o.dweight);
  cpu_kernel::add_columns(p.forward.vectors, o.out, o.dy, o.dbias);
  p.back.run(backend, o.dy, p.weights_back.lay(o.weight, s.weights), nullptr, s.panels, o.dx);
}

}  // namespace avss
