// Convolutions over frames and bins, as plain loops.
#pragma once

#include <avss/op/conv2d.hpp>
#include <avss/reference/backend.hpp>

namespace avss {
namespace ref {

// body(tap, output place, input place) for all that one kernel brings together in a plane.
template <class Body>
void slide(const op::map_size& n, const op::sliding& s, Body&& body) {
  for (dim_t kt = 0; kt < s.kernel_t; ++kt)
    for (dim_t kf = 0; kf < s.kernel_f; ++kf)
      for (dim_t t = 0; t < s.frames; ++t) {
        const dim_t from_t = t * s.stride_t + kt - s.left_t;
        if (from_t < 0 || from_t >= n.frames) continue;
        for (dim_t f = 0; f < s.bins; ++f) {
          const dim_t from_f = f * s.stride_f + kf - s.left_f;
          if (from_f >= 0 && from_f < n.bins) body(kt * s.kernel_f + kf, t * s.bins + f, from_t * n.bins + from_f);
        }
      }
}

// The same for both ways in which a dense kernel may lie; strides are 1 and the planes equal.
template <class Body>
void slide(const op::map_size& n, const op::sliding& s, bool transposed, Body&& body) {
  if (transposed)
    slide(n, s, [&](dim_t tap, dim_t input, dim_t output) { body(tap, output, input); });
  else
    slide(n, s, body);
}

template <class T>
void add_bias_gradient(const op::map_size& n, const T* dy, T* dbias) {
  if (!dbias) return;
  for (dim_t b = 0; b < n.batch; ++b)
    for (dim_t c = 0; c < n.channels; ++c)
      for (dim_t i = 0; i < n.plane(); ++i) dbias[c] += dy[(b * n.channels + c) * n.plane() + i];
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::conv2d_fwd<T>& o, void*) {
  const dim_t plane = o.n.plane(), in = o.n.channels, taps = o.s.taps();
  for (dim_t b = 0; b < o.n.batch; ++b)
    for (dim_t c = 0; c < o.out; ++c) {
      T* y = o.y + (b * o.out + c) * plane;
      for (dim_t i = 0; i < plane; ++i) y[i] = o.bias ? o.bias[c] : T(0);
      for (dim_t i = 0; i < in; ++i) {
        const T* x = o.x + (b * in + i) * plane;
        const T* w = o.weight + (o.transposed ? i * o.out + c : c * in + i) * taps;
        ref::slide(o.n, o.s, o.transposed, [&](dim_t tap, dim_t to, dim_t from) { y[to] += w[tap] * x[from]; });
      }
    }
}

template <class T>
void execute(reference<T>&, const op::conv2d_bwd<T>& o, void*) {
  const dim_t plane = o.n.plane(), in = o.n.channels, taps = o.s.taps();
  ref::add_bias_gradient(o.s.out(o.n, o.out), o.dy, o.dbias);
  if (o.dx)
    for (dim_t i = 0; i < o.n.size(); ++i) o.dx[i] = 0;
  for (dim_t b = 0; b < o.n.batch; ++b)
    for (dim_t c = 0; c < o.out; ++c)
      for (dim_t i = 0; i < in; ++i) {
        const T* dy = o.dy + (b * o.out + c) * plane;
        const T* x = o.x + (b * in + i) * plane;
        const dim_t at = (o.transposed ? i * o.out + c : c * in + i) * taps;
        ref::slide(o.n, o.s, o.transposed, [&](dim_t tap, dim_t to, dim_t from) { o.dweight[at + tap] += dy[to] * x[from]; });
        if (!o.dx) continue;
        T* dx = o.dx + (b * in + i) * plane;
        ref::slide(o.n, o.s, o.transposed, [&](dim_t tap, dim_t to, dim_t from) { dx[from] += o.weight[at + tap] * dy[to]; });
      }
}

template <class T>
void execute(reference<T>&, const op::depthwise2d_fwd<T>& o, void*) {
  const op::map_size out = o.s.out(o.n, o.n.channels);
  for (dim_t b = 0; b < o.n.batch; ++b)
    for (dim_t c = 0; c < o.n.channels; ++c) {
      T* y = o.y + (b * o.n.channels + c) * out.plane();
      const T* x = o.x + (b * o.n.channels + c) * o.n.plane();
      for (dim_t i = 0; i < out.plane(); ++i) y[i] = o.bias ? o.bias[c] : T(0);
      const T* w = o.weight + c * o.s.taps();
      ref::slide(o.n, o.s, [&](dim_t tap, dim_t to, dim_t from) { y[to] += w[tap] * x[from]; });
    }
}

template <class T>
void execute(reference<T>&, const op::depthwise2d_bwd<T>& o, void*) {
  const op::map_size out = o.s.out(o.n, o.n.channels);
  ref::add_bias_gradient(out, o.dy, o.dbias);
  if (!o.accumulate)
    for (dim_t i = 0; i < o.n.size(); ++i) o.dx[i] = 0;
  for (dim_t b = 0; b < o.n.batch; ++b)
    for (dim_t c = 0; c < o.n.channels; ++c) {
      const T* dy = o.dy + (b * o.n.channels + c) * out.plane();
      const T* x = o.x + (b * o.n.channels + c) * o.n.plane();
      T* dx = o.dx + (b * o.n.channels + c) * o.n.plane();
      const dim_t at = c * o.s.taps();
      ref::slide(o.n, o.s, [&](dim_t tap, dim_t to, dim_t from) {
        o.dweight[at + tap] += dy[to] * x[from];
        dx[from] += o.weight[at + tap] * dy[to];
      });
    }
}

template <class T>
void execute(reference<T>&, const op::grouped_pointwise_fwd<T>& o, void*) {
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t r = 0; r < o.groups * o.out; ++r)
      for (dim_t t = 0; t < o.frames; ++t) {
        T sum = o.bias ? o.bias[r] : T(0);
        for (dim_t i = 0; i < o.in; ++i)
          sum += o.weight[r * o.in + i] * o.x[((b * o.groups + r / o.out) * o.in + i) * o.frames + t];
        o.y[(b * o.groups * o.out + r) * o.frames + t] = sum;
      }
}

template <class T>
void execute(reference<T>&, const op::grouped_pointwise_bwd<T>& o, void*) {
  ref::add_bias_gradient({o.batch, o.groups * o.out, o.frames}, o.dy, o.dbias);
  if (!o.accumulate)
    for (dim_t i = 0; i < o.batch * o.groups * o.in * o.frames; ++i) o.dx[i] = 0;
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t r = 0; r < o.groups * o.out; ++r)
      for (dim_t i = 0; i < o.in; ++i)
        for (dim_t t = 0; t < o.frames; ++t) {
          const dim_t from = ((b * o.groups + r / o.out) * o.in + i) * o.frames + t;
          const T d = o.dy[(b * o.groups * o.out + r) * o.frames + t];
          o.dweight[r * o.in + i] += d * o.x[from];
          o.dx[from] += d * o.weight[r * o.in + i];
        }
}

}  // namespace avss
