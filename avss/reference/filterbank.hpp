// Learned filterbanks, as plain loops.
#pragma once

#include <avss/op/filterbank.hpp>
#include <avss/reference/act_norm.hpp>
#include <cmath>
#include <vector>

namespace avss {
namespace ref {

// Activates the masks of one filter and frame, all sources; m [sources].
template <class T>
void activate_masks(activation act, std::vector<T>& m) {
  if (act == activation::softmax) {
    T top = m[0], sum = 0;
    for (T v : m) top = v > top ? v : top;
    for (T& v : m) sum += v = std::exp(v - top);
    for (T& v : m) v /= sum;
    return;
  }
  for (T& v : m) {
    if (act == activation::relu) v = v <= 0 ? T(0) : v;
    if (act == activation::sigmoid) v = 1 / (1 + std::exp(-v));
  }
}

// Turns dL/dmask into dL/d(before the activation); m are the masks.
template <class T>
void activate_masks_bwd(activation act, const std::vector<T>& m, std::vector<T>& d) {
  T dot = 0;
  for (std::size_t s = 0; s < m.size(); ++s) dot += m[s] * d[s];
  for (std::size_t s = 0; s < m.size(); ++s) {
    if (act == activation::relu) d[s] = m[s] > 0 ? d[s] : T(0);
    if (act == activation::sigmoid) d[s] *= m[s] * (1 - m[s]);
    if (act == activation::softmax) d[s] = m[s] * (d[s] - dot);
  }
}

// The masks of item b, filter n, frame k before the activation.
template <class T>
void mask_input(const op::masked_synthesis_fwd<T>& o, dim_t b, dim_t n, dim_t k, std::vector<T>& m) {
  const op::act_norm<T> f{o.slope};
  for (dim_t s = 0; s < o.sources; ++s) {
    const dim_t row = s * o.filters + n;
    T sum = o.mask_bias ? o.mask_bias[row] : T(0);
    for (dim_t i = 0; i < o.in; ++i) sum += o.mask_weight[row * o.in + i] * activate(f, o.z[(b * o.in + i) * o.frames + k]);
    m[static_cast<std::size_t>(s)] = sum;
  }
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::analysis_fwd<T>& o, void*) {
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t n = 0; n < o.filters; ++n)
      for (dim_t k = 0; k < o.frames; ++k) {
        T sum = o.bias ? o.bias[n] : T(0);
        for (dim_t l = 0; l < o.window; ++l) {
          const dim_t at = k * o.stride + l - o.left;
          if (at >= 0 && at < o.length) sum += o.weight[n * o.window + l] * o.x[b * o.length + at];
        }
        o.w[(b * o.filters + n) * o.frames + k] = o.act == activation::relu && sum < 0 ? T(0) : sum;
      }
  ref::fill_moments(o.batch, o.filters, o.frames, o.w, o.next);
}

template <class T>
void execute(reference<T>&, const op::analysis_bwd<T>& o, void*) {
  if (o.dx)
    for (dim_t i = 0; i < o.batch * o.length; ++i) o.dx[i] = 0;
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t n = 0; n < o.filters; ++n)
      for (dim_t k = 0; k < o.frames; ++k) {
        const dim_t i = (b * o.filters + n) * o.frames + k;
        if (o.act == activation::relu && !(o.w[i] > 0)) o.dw[i] = 0;
        const T d = o.dw[i];
        if (o.dbias) o.dbias[n] += d;
        for (dim_t l = 0; l < o.window; ++l) {
          const dim_t at = k * o.stride + l - o.left;
          if (at < 0 || at >= o.length) continue;
          o.dweight[n * o.window + l] += d * o.x[b * o.length + at];
          if (o.dx) o.dx[b * o.length + at] += d * o.weight[n * o.window + l];
        }
      }
}

template <class T>
void execute(reference<T>&, const op::masked_synthesis_fwd<T>& o, void*) {
  for (dim_t i = 0; i < o.batch * o.sources * o.length; ++i) o.out[i] = o.bias ? *o.bias : T(0);
  std::vector<T> m(static_cast<std::size_t>(o.sources));
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t n = 0; n < o.filters; ++n)
      for (dim_t k = 0; k < o.frames; ++k) {
        ref::mask_input(o, b, n, k, m);
        ref::activate_masks(o.act, m);
        for (dim_t s = 0; s < o.sources; ++s) {
          const T v = m[static_cast<std::size_t>(s)] * o.w[(b * o.filters + n) * o.frames + k];
          for (dim_t l = 0; l < o.window; ++l) {
            const dim_t at = k * o.stride + l - o.left;
            if (at >= 0 && at < o.length) o.out[(b * o.sources + s) * o.length + at] += o.decoder[n * o.window + l] * v;
          }
        }
      }
}

template <class T>
void execute(reference<T>&, const op::masked_synthesis_bwd<T>& g, void*) {
  const op::masked_synthesis_fwd<T>& o = g.fwd;
  const op::act_norm<T> f{o.slope};
  for (dim_t i = 0; i < o.batch * o.in * o.frames; ++i) g.dz[i] = 0;
  if (g.dbias)
    for (dim_t i = 0; i < o.batch * o.sources * o.length; ++i) *g.dbias += g.dout[i];
  std::vector<T> m(static_cast<std::size_t>(o.sources)), d(m.size());
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t n = 0; n < o.filters; ++n)
      for (dim_t k = 0; k < o.frames; ++k) {
        const dim_t wi = (b * o.filters + n) * o.frames + k;
        ref::mask_input(o, b, n, k, m);
        ref::activate_masks(o.act, m);
        T dw = 0;
        for (dim_t s = 0; s < o.sources; ++s) {
          const std::size_t si = static_cast<std::size_t>(s);
          const T v = m[si] * o.w[wi];
          T dv = 0;
          for (dim_t l = 0; l < o.window; ++l) {
            const dim_t at = k * o.stride + l - o.left;
            if (at < 0 || at >= o.length) continue;
            const T dout = g.dout[(b * o.sources + s) * o.length + at];
            dv += o.decoder[n * o.window + l] * dout;
            g.ddecoder[n * o.window + l] += v * dout;
          }
          dw += dv * m[si];
          d[si] = dv * o.w[wi];
        }
        g.dw[wi] = dw;
        ref::activate_masks_bwd(o.act, m, d);
        for (dim_t s = 0; s < o.sources; ++s) {
          const dim_t row = s * o.filters + n;
          const T ds = d[static_cast<std::size_t>(s)];
          if (g.dmask_bias) g.dmask_bias[row] += ds;
          for (dim_t i = 0; i < o.in; ++i) {
            const dim_t zi = (b * o.in + i) * o.frames + k;
            g.dmask_weight[row * o.in + i] += ds * ref::activate(f, o.z[zi]);
            g.dz[zi] += o.mask_weight[row * o.in + i] * ds;  // with respect to f(z), for now
          }
        }
      }
  if (!o.slope) return;
  for (dim_t i = 0; i < o.batch * o.in * o.frames; ++i)
    if (!(o.z[i] > 0)) {
      *g.dslope += g.dz[i] * o.z[i];
      g.dz[i] *= *o.slope;
    }
}

}  // namespace avss
