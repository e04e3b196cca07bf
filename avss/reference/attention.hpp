// Self-attention, as plain loops.
#pragma once

#include <algorithm>
#include <avss/op/attention.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

namespace avss {
namespace ref {

template <class T>
T dot(dim_t n, const T* a, const T* b) {
  T sum = 0;
  for (dim_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// body(first weight, first values of position 0 for query, value and result)
template <class Body>
void for_each_attention(const op::attention_size& n, Body&& body) {
  const auto start = [](const op::vector_strides& s, dim_t o, dim_t i) { return o * s.outer + i * s.inner; };
  for (dim_t o = 0; o < n.outer; ++o)
    for (dim_t i = 0; i < n.inner; ++i)
      body((o * n.inner + i) * n.length * n.length, start(n.query, o, i), start(n.value, o, i), start(n.result, o, i));
}

// Exponentials over their sum, in place.
template <class T>
void softmax(dim_t n, T* x) {
  const T top = *std::max_element(x, x + n);
  T sum = 0;
  for (dim_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - top);
  for (dim_t i = 0; i < n; ++i) x[i] /= sum;
}

// dL/d(before softmax) from y = softmax and dy = dL/dy, in place of dy.
template <class T>
void softmax_back(dim_t n, const T* y, T* dy) {
  const T both = dot(n, y, dy);
  for (dim_t i = 0; i < n; ++i) dy[i] = y[i] * (dy[i] - both);
}

// body(item, head, frame): the frame's statistic is (item heads + head) frames + frame.
template <class Body>
void for_each_head_frame(const op::heads_size& n, Body&& body) {
  for (dim_t b = 0; b < n.batch; ++b)
    for (dim_t h = 0; h < n.heads; ++h)
      for (dim_t t = 0; t < n.frames; ++t) body(b, h, t);
}
// Place in x of value i = (c, f) of a head's frame.
inline dim_t head_place(const op::heads_size& n, dim_t b, dim_t h, dim_t t, dim_t i) {
  return b * n.pitch + ((h * n.channels + i / n.bins) * n.frames + t) * n.bins + i % n.bins;
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::attention_fwd<T>& o, void*) {
  const op::attention_size& n = o.n;
  ref::for_each_attention(n, [&](dim_t first, dim_t q, dim_t v, dim_t y) {
    for (dim_t i = 0; i < n.length; ++i) {
      T* row = o.weights + first + i * n.length;
      for (dim_t j = 0; j < n.length; ++j)
        row[j] = static_cast<T>(n.scale) * ref::dot(n.width, o.q + q + i * n.query.position, o.k + q + j * n.query.position);
      ref::softmax(n.length, row);
      T* to = o.y + y + i * n.result.position;
      std::fill_n(to, n.value_width, T(0));
      for (dim_t j = 0; j < n.length; ++j) {
        const T p = row[j] * o.drop.template factor<T>(first + i * n.length + j);
        for (dim_t e = 0; e < n.value_width; ++e) to[e] += p * o.v[v + j * n.value.position + e];
      }
    }
  });
}

template <class T>
void execute(reference<T>&, const op::attention_bwd<T>& o, void*) {
  const op::attention_size& n = o.n;
  std::vector<T> drow(static_cast<std::size_t>(n.length));
  ref::for_each_attention(n, [&](dim_t first, dim_t q, dim_t v, dim_t y) {
    for (dim_t i = 0; i < n.length; ++i) {
      std::fill_n(o.dq + q + i * n.query.position, n.width, T(0));
      std::fill_n(o.dk + q + i * n.query.position, n.width, T(0));
      std::fill_n(o.dv + v + i * n.value.position, n.value_width, T(0));
    }
    for (dim_t i = 0; i < n.length; ++i) {
      const T* row = o.weights + first + i * n.length;
      const T* dy = o.dy + y + i * n.result.position;
      for (dim_t j = 0; j < n.length; ++j) {
        const T factor = o.drop.template factor<T>(first + i * n.length + j);
        drow[static_cast<std::size_t>(j)] = factor * ref::dot(n.value_width, dy, o.v + v + j * n.value.position);
        T* dv = o.dv + v + j * n.value.position;
        for (dim_t e = 0; e < n.value_width; ++e) dv[e] += factor * row[j] * dy[e];
      }
      ref::softmax_back(n.length, row, drow.data());
      for (dim_t j = 0; j < n.length; ++j) {
        const T d = static_cast<T>(n.scale) * drow[static_cast<std::size_t>(j)];
        const dim_t at_i = q + i * n.query.position, at_j = q + j * n.query.position;
        for (dim_t e = 0; e < n.width; ++e) {
          o.dq[at_i + e] += d * o.k[at_j + e];
          o.dk[at_j + e] += d * o.q[at_i + e];
        }
      }
    }
  });
}

template <class T>
void execute(reference<T>&, const op::stacked_pointwise_fwd<T>& o, void*) {
  T* y = o.y;
  for (dim_t b = 0; b < o.batch; ++b)
    for (int p = 0; p < o.n; ++p)
      for (dim_t r = 0; r < o.parts[static_cast<std::size_t>(p)].out; ++r, y += o.plane) {
        const auto& part = o.parts[static_cast<std::size_t>(p)];
        std::fill_n(y, o.plane, part.bias[r]);
        for (dim_t i = 0; i < o.in; ++i)
          for (dim_t t = 0; t < o.plane; ++t) y[t] += part.weight[r * o.in + i] * o.x[(b * o.in + i) * o.plane + t];
      }
}

template <class T>
void execute(reference<T>&, const op::stacked_pointwise_bwd<T>& o, void*) {
  const T* dy = o.dy;
  for (dim_t b = 0; b < o.batch; ++b)
    for (int p = 0; p < o.n; ++p)
      for (dim_t r = 0; r < o.parts[static_cast<std::size_t>(p)].out; ++r, dy += o.plane) {
        const auto& part = o.parts[static_cast<std::size_t>(p)];
        for (dim_t t = 0; t < o.plane; ++t) part.dbias[r] += dy[t];
        for (dim_t i = 0; i < o.in; ++i) {
          const dim_t at = (b * o.in + i) * o.plane;
          part.dweight[r * o.in + i] += ref::dot(o.plane, dy, o.x + at);
          for (dim_t t = 0; t < o.plane; ++t) o.dx[at + t] += part.weight[r * o.in + i] * dy[t];
        }
      }
}

template <class T>
void execute(reference<T>&, const op::head_norm_fwd<T>& o, void*) {
  const dim_t width = o.n.channels * o.n.bins;
  ref::for_each_head_frame(o.n, [&](dim_t b, dim_t h, dim_t t) {
    const std::size_t head = static_cast<std::size_t>(h);
    const dim_t stat = (b * o.n.heads + h) * o.n.frames + t;
    T* y = o.y + stat * width;
    double sum = 0, square = 0;
    for (dim_t i = 0; i < width; ++i) {
      const T x = o.x[ref::head_place(o.n, b, h, t, i)];
      y[i] = x > 0 ? x : *o.slope[head] * x;
      sum += y[i];
    }
    const double mean = sum / static_cast<double>(width);
    for (dim_t i = 0; i < width; ++i) square += (y[i] - mean) * (y[i] - mean);
    o.mean[stat] = static_cast<T>(mean);
    o.rstd[stat] = static_cast<T>(1 / std::sqrt(square / static_cast<double>(width) + o.eps));
    for (dim_t i = 0; i < width; ++i) y[i] = o.gamma[head][i] * (y[i] - o.mean[stat]) * o.rstd[stat] + o.beta[head][i];
  });
}

template <class T>
void execute(reference<T>&, const op::head_norm_bwd<T>& g, void*) {
  const op::head_norm_fwd<T>& o = g.fwd;
  const dim_t width = o.n.channels * o.n.bins;
  ref::for_each_head_frame(o.n, [&](dim_t b, dim_t h, dim_t t) {
    const std::size_t head = static_cast<std::size_t>(h);
    const dim_t stat = (b * o.n.heads + h) * o.n.frames + t;
    const T* dy = g.dy + stat * width;
    const auto normed = [&](T x) { return ((x > 0 ? x : *o.slope[head] * x) - o.mean[stat]) * o.rstd[stat]; };
    double s1 = 0, s2 = 0;
    for (dim_t i = 0; i < width; ++i) {
      const T v = normed(o.x[ref::head_place(o.n, b, h, t, i)]);
      g.dgamma[head][i] += dy[i] * v;
      g.dbeta[head][i] += dy[i];
      s1 += o.gamma[head][i] * dy[i];
      s2 += o.gamma[head][i] * dy[i] * v;
    }
    for (dim_t i = 0; i < width; ++i) {
      const dim_t at = ref::head_place(o.n, b, h, t, i);
      const T x = o.x[at];
      const T da =
          static_cast<T>(o.rstd[stat] * (o.gamma[head][i] * dy[i] - (s1 + normed(x) * s2) / static_cast<double>(width)));
      g.dx[at] = x > 0 ? da : *o.slope[head] * da;
      if (!(x > 0)) *g.dslope[head] += da * x;
    }
  });
}

template <class T>
void execute(reference<T>&, const op::swap_axes<T>& o, void*) {
  for (dim_t r = 0; r < o.rows; ++r)
    for (dim_t i = 0; i < o.a; ++i)
      for (dim_t j = 0; j < o.b; ++j)
        std::copy_n(o.x + ((r * o.a + i) * o.b + j) * o.inner, o.inner, o.y + ((r * o.b + j) * o.a + i) * o.inner);
}

}  // namespace avss
