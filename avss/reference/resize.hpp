// Adaptive pooling and injection, as plain loops.
#pragma once

#include <algorithm>
#include <avss/op/resize.hpp>
#include <avss/reference/map_norm.hpp>

namespace avss {
namespace ref {

// body(place in the large map, place in the small one, 1 / number of values that are averaged)
template <class Body>
void for_each_pooled(const op::map_size& n, dim_t frames, dim_t bins, Body&& body) {
  const auto first = [](dim_t j, dim_t in, dim_t out) { return j * in / out; };
  const auto end = [](dim_t j, dim_t in, dim_t out) { return ((j + 1) * in + out - 1) / out; };
  for (dim_t bc = 0; bc < n.batch * n.channels; ++bc)
    for (dim_t t = 0; t < frames; ++t)
      for (dim_t f = 0; f < bins; ++f) {
        const dim_t t0 = first(t, n.frames, frames), t1 = end(t, n.frames, frames);
        const dim_t f0 = first(f, n.bins, bins), f1 = end(f, n.bins, bins);
        const double share = 1 / static_cast<double>((t1 - t0) * (f1 - f0));
        for (dim_t u = t0; u < t1; ++u)
          for (dim_t v = f0; v < f1; ++v) body((bc * n.frames + u) * n.bins + v, (bc * frames + t) * bins + f, share);
      }
}

// body(place and norm places in the large map, the same in the small one)
template <class T, class Body>
void for_each_injected(const op::inject_fwd<T>& o, Body&& body) {
  const op::map_size small{o.n.batch, o.n.channels, o.frames, o.bins};
  dim_t i = 0;
  for (dim_t b = 0; b < o.n.batch; ++b)
    for (dim_t c = 0; c < o.n.channels; ++c)
      for (dim_t t = 0; t < o.n.frames; ++t)
        for (dim_t f = 0; f < o.n.bins; ++f, ++i) {
          const dim_t u = nearest_index(t, o.frames, o.n.frames), v = nearest_index(f, o.bins, o.n.bins);
          const dim_t from = ((b * o.n.channels + c) * o.frames + u) * o.bins + v;
          body(i, from, place_of(o.f_local.over, o.n, b, c, t, f), place_of(o.f_gate.over, small, b, c, u, v));
        }
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::adaptive_pool_fwd<T>& o, void*) {
  if (!o.accumulate) std::fill_n(o.y, o.n.batch * o.n.channels * o.frames * o.bins, T(0));
  ref::for_each_pooled(o.n, o.frames, o.bins,
                       [&](dim_t from, dim_t to, double share) { o.y[to] += static_cast<T>(share * o.x[from]); });
}

template <class T>
void execute(reference<T>&, const op::adaptive_pool_bwd<T>& o, void*) {
  ref::for_each_pooled(o.n, o.frames, o.bins,
                       [&](dim_t to, dim_t from, double share) { o.dx[to] += static_cast<T>(share * o.dy[from]); });
}

template <class T>
void execute(reference<T>&, const op::inject_fwd<T>& o, void*) {
  ref::for_each_injected(o, [&](dim_t i, dim_t from, ref::norm_place large, ref::norm_place small) {
    const T y = ref::apply(o.f_local, large, o.local[i]) * ref::apply(o.f_gate, small, o.gate[from]) +
                ref::apply(o.f_embedding, small, o.embedding[from]);
    o.y[i] = o.plus ? y + o.plus[i] : y;
  });
}

template <class T>
void execute(reference<T>&, const op::inject_bwd<T>& g, void*) {
  const op::inject_fwd<T>& o = g.fwd;
  const dim_t small_size = o.n.batch * o.n.channels * o.frames * o.bins;
  std::fill_n(g.dgate, small_size, T(0));
  std::fill_n(g.dembedding, small_size, T(0));
  ref::for_each_injected(o, [&](dim_t i, dim_t from, ref::norm_place large, ref::norm_place small) {
    g.dlocal[i] = g.dy[i] * ref::apply(o.f_gate, small, o.gate[from]);
    g.dgate[from] += g.dy[i] * ref::apply(o.f_local, large, o.local[i]);
    g.dembedding[from] += g.dy[i];
  });
}

}  // namespace avss
