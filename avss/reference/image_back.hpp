// The way back through images and their convolutions, as plain loops.
#pragma once

#include <algorithm>
#include <avss/core/host_device.hpp>
#include <avss/op/image_back.hpp>
#include <avss/reference/image.hpp>
#include <cmath>
#include <vector>

namespace avss {
namespace ref {

// d curved / dx at x.
template <class T>
AVSS_HOST_DEVICE T curve_slope(image_curve form, T x, T slope) {
  switch (form) {
    case image_curve::identity: break;
    case image_curve::relu: return x > 0 ? T(1) : T(0);
    case image_curve::prelu: return x > 0 ? T(1) : slope;
    case image_curve::swish: {
      const T s = 1 / (1 + std::exp(-x));
      return s * (1 + x * (1 - s));
    }
  }
  return 1;
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::unstack_frames<T>& o, void*) {
  const dim_t plane = o.height * o.width;
  const op::stack_frames<T> there{o.clip, o.height, o.width, o.taps, 0, o.frames, nullptr, nullptr};
  std::fill(o.dx, o.dx + o.frames * plane, T(0));
  for (dim_t i = 0; i < o.frames; ++i)
    for (dim_t k = 0; k < o.taps; ++k)
      for (dim_t p = 0, to = there.neighbour(i, k); to >= 0 && p < plane; ++p)
        o.dx[to * plane + p] += o.dy[(i * plane + p) * o.taps + k];
}

template <class T>
void execute(reference<T>&, const op::image_conv_bwd<T>& o, void*) {
  const dim_t in = o.n.channels, out = o.kernel.out, taps = o.kernel.taps(), size = o.kernel.over(o.n).each();
  if (o.dx) std::fill(o.dx, o.dx + o.n.size(), T(0));
  for (dim_t i = 0; i < o.n.images; ++i) {
    const T *const x = o.x + i * o.n.each(), *const dy = o.dy + i * size;
    ref::slide(o.n, o.kernel, [&](dim_t to, dim_t tap, dim_t from) {
      for (dim_t c = 0; c < out; ++c)
        for (dim_t d = 0; d < in; ++d) {
          const dim_t w = (c * in + d) * taps + tap;
          o.dweight[w] += dy[to * out + c] * x[from * in + d];
          if (o.dx) o.dx[i * o.n.each() + from * in + d] += dy[to * out + c] * o.weight[w];
        }
    });
  }
}

template <class T>
void execute(reference<T>&, const op::image_norm_bwd<T>& o, void*) {
  const dim_t C = o.n.channels, pixels = o.n.images * o.n.plane();
  for (dim_t c = 0; c < C; ++c) {
    const T slope = o.bend.slope ? o.bend.slope[c] : T(0);
    const auto normed = [&](dim_t i) { return (o.x[i] - o.mean[c]) * o.rstd[c]; };
    T sum = 0, weighted = 0;
    for (dim_t p = 0, i = c; p < pixels; ++p, i += C) {
      const T bent = o.gamma[c] * normed(i) + o.beta[c] + (o.plus ? o.plus[i] : T(0));
      if (o.bend.form == image_curve::prelu && !(bent > 0)) o.dslope[c] += o.d[i] * bent;
      o.d[i] *= ref::curve_slope(o.bend.form, bent, slope);
      sum += o.d[i];
      weighted += o.d[i] * normed(i);
    }
    o.dbeta[c] += sum;
    o.dgamma[c] += weighted;
    const T n = static_cast<T>(pixels), mean1 = o.fixed ? T(0) : sum / n, mean2 = o.fixed ? T(0) : weighted / n;
    for (dim_t p = 0, i = c; p < pixels; ++p, i += C) o.dx[i] = o.gamma[c] * o.rstd[c] * (o.d[i] - mean1 - normed(i) * mean2);
  }
}

template <class T>
void execute(reference<T>&, const op::image_max_bwd<T>& o, void*) {
  const dim_t C = o.n.channels;
  const op::image_kernel k = op::image_max<T>::kernel(C);
  const dim_t size = k.over(o.n).each();
  std::fill(o.dx, o.dx + o.n.size(), T(0));
  for (dim_t i = 0; i < o.n.images; ++i) {
    const T* const x = o.x + i * o.n.each();
    std::vector<dim_t> top(static_cast<std::size_t>(size), -1);  // where each value came from
    ref::slide(o.n, k, [&](dim_t to, dim_t, dim_t from) {
      for (dim_t c = 0; c < C; ++c) {
        dim_t& best = top[static_cast<std::size_t>(to * C + c)];
        if (best < 0 || x[from * C + c] > x[best]) best = from * C + c;
      }
    });
    for (dim_t j = 0; j < size; ++j) o.dx[i * o.n.each() + top[static_cast<std::size_t>(j)]] += o.dy[i * size + j];
  }
}

template <class T>
void execute(reference<T>&, const op::image_mean_bwd<T>& o, void*) {
  const dim_t C = o.n.channels, plane = o.n.plane();
  for (dim_t i = 0; i < o.n.images; ++i)
    for (dim_t p = 0; p < plane; ++p)
      for (dim_t c = 0; c < C; ++c) o.dx[(i * plane + p) * C + c] = o.dy[c * o.pitch + i] / static_cast<T>(plane);
}

}  // namespace avss
