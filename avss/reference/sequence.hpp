// Maps and sequences, as plain loops.
#pragma once

#include <avss/op/sequence.hpp>
#include <avss/reference/map_norm.hpp>
#include <vector>

namespace avss {
namespace ref {

// body(place in the map, place in the sequences, place of the norm, step, channel)
template <class Body>
void for_each_step(const op::walk& w, norm_over over, Body&& body) {
  const dim_t C = w.n.channels, rows = w.rows();
  dim_t i = 0;
  for (dim_t b = 0; b < w.n.batch; ++b)
    for (dim_t c = 0; c < C; ++c)
      for (dim_t t = 0; t < w.n.frames; ++t)
        for (dim_t f = 0; f < w.n.bins; ++f, ++i) {
          const dim_t step = w.along_bins ? f : t, row = w.along_bins ? b * w.n.frames + t : b * w.n.bins + f;
          body(i, (step * rows + row) * C + c, place_of(over, w.n, b, c, t, f), step, c);
        }
}

// Place of a weight of a window_linear.
inline dim_t window_weight(const op::window_size& n, bool in_major, dim_t c, dim_t k, dim_t o) {
  const dim_t row = c * n.window + k;
  return in_major ? row * n.out + o : o * n.in * n.window + row;
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::to_sequences<T>& o, void*) {
  const dim_t C = o.w.n.channels;
  ref::for_each_step(o.w, o.f.over, [&](dim_t i, dim_t to, ref::norm_place p, dim_t step, dim_t c) {
    const T y = ref::apply(o.f, p, o.x[i]);
    o.y[to] = o.table ? y + o.table[step * C + c] : y;
  });
}

template <class T>
void execute(reference<T>&, const op::from_sequences<T>& o, void*) {
  ref::for_each_step(o.w, norm_over::none, [&](dim_t i, dim_t from, ref::norm_place, dim_t, dim_t) {
    o.y[i] = o.plus ? o.plus[i] + o.x[from] : o.x[from];
  });
}

template <class T>
void execute(reference<T>&, const op::position_table<T>& o, void*) {
  for (dim_t t = 0; t < o.frames; ++t)
    for (dim_t c = 0; c < o.channels; ++c) o.y[t * o.channels + c] = static_cast<T>(position_value(t, c, o.channels));
}

// The weights are turned first, so that the innermost loop runs along the outputs.
template <class T>
void execute(reference<T>&, const op::window_linear_fwd<T>& o, void*) {
  const op::window_size& n = o.n;
  std::vector<T> turned(static_cast<std::size_t>(n.window * n.in * n.out));
  for (dim_t k = 0; k < n.window; ++k)
    for (dim_t c = 0; c < n.in; ++c)
      for (dim_t j = 0; j < n.out; ++j)
        turned[static_cast<std::size_t>((k * n.in + c) * n.out + j)] = o.weight[ref::window_weight(n, o.in_major, c, k, j)];
  for (dim_t l = 0; l < n.out_steps(); ++l)
    for (dim_t r = 0; r < n.rows; ++r) {
      T* y = o.y + (l * n.rows + r) * n.out;
      for (dim_t j = 0; j < n.out; ++j) y[j] = o.bias ? o.bias[j] : T(0);
      for (dim_t k = 0; k < n.window; ++k)
        for (dim_t c = 0; c < n.in; ++c) {
          const T x = o.x[((l + k) * n.rows + r) * n.in + c];
          const T* w = turned.data() + (k * n.in + c) * n.out;
          for (dim_t j = 0; j < n.out; ++j) y[j] += x * w[j];
        }
    }
}

template <class T>
void execute(reference<T>&, const op::window_linear_bwd<T>& o, void*) {
  const op::window_size& n = o.n;
  std::vector<T> turned(static_cast<std::size_t>(n.window * n.in * n.out)), dturned(turned.size());
  for (dim_t k = 0; k < n.window; ++k)
    for (dim_t c = 0; c < n.in; ++c)
      for (dim_t j = 0; j < n.out; ++j)
        turned[static_cast<std::size_t>((k * n.in + c) * n.out + j)] = o.weight[ref::window_weight(n, o.in_major, c, k, j)];
  if (!o.accumulate)
    for (dim_t i = 0; i < n.steps * n.rows * n.in; ++i) o.dx[i] = 0;
  for (dim_t l = 0; l < n.out_steps(); ++l)
    for (dim_t r = 0; r < n.rows; ++r) {
      const T* dy = o.dy + (l * n.rows + r) * n.out;
      if (o.dbias)
        for (dim_t j = 0; j < n.out; ++j) o.dbias[j] += dy[j];
      for (dim_t k = 0; k < n.window; ++k)
        for (dim_t c = 0; c < n.in; ++c) {
          const dim_t at = ((l + k) * n.rows + r) * n.in + c;
          const T* w = turned.data() + (k * n.in + c) * n.out;
          T* dw = dturned.data() + (k * n.in + c) * n.out;
          T sum = 0;
          for (dim_t j = 0; j < n.out; ++j) {
            sum += dy[j] * w[j];
            dw[j] += dy[j] * o.x[at];
          }
          o.dx[at] += sum;
        }
    }
  for (dim_t k = 0; k < n.window; ++k)
    for (dim_t c = 0; c < n.in; ++c)
      for (dim_t j = 0; j < n.out; ++j)
        o.dweight[ref::window_weight(n, o.in_major, c, k, j)] += dturned[static_cast<std::size_t>((k * n.in + c) * n.out + j)];
}

template <class T>
void execute(reference<T>&, const op::window_fold_fwd<T>& o, void*) {
  const dim_t out_steps = o.steps + o.window - 1;
  for (dim_t i = 0; i < out_steps * o.rows; ++i)
    for (dim_t j = 0; j < o.out; ++j) o.y[i * o.out + j] = o.bias[j];
  for (dim_t l = 0; l < o.steps; ++l)
    for (dim_t r = 0; r < o.rows; ++r)
      for (dim_t i = 0; i < o.in; ++i)
        for (dim_t j = 0; j < o.out; ++j)
          for (dim_t k = 0; k < o.window; ++k)
            o.y[((l + k) * o.rows + r) * o.out + j] +=
                o.weight[(i * o.out + j) * o.window + k] * o.x[(l * o.rows + r) * o.in + i];
}

template <class T>
void execute(reference<T>&, const op::window_fold_bwd<T>& o, void*) {
  for (dim_t i = 0; i < (o.steps + o.window - 1) * o.rows; ++i)
    for (dim_t j = 0; j < o.out; ++j) o.dbias[j] += o.dy[i * o.out + j];
  for (dim_t l = 0; l < o.steps; ++l)
    for (dim_t r = 0; r < o.rows; ++r)
      for (dim_t i = 0; i < o.in; ++i) {
        const dim_t at = (l * o.rows + r) * o.in + i;
        T sum = 0;
        for (dim_t j = 0; j < o.out; ++j)
          for (dim_t k = 0; k < o.window; ++k) {
            const dim_t w = (i * o.out + j) * o.window + k;
            const T d = o.dy[((l + k) * o.rows + r) * o.out + j];
            sum += o.weight[w] * d;
            o.dweight[w] += o.x[at] * d;
          }
        o.dx[at] = sum;
      }
}

}  // namespace avss
