// Images and their convolutions, as plain loops.
#pragma once

#include <algorithm>
#include <avss/core/host_device.hpp>
#include <avss/op/image.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>

namespace avss {
namespace ref {

template <class T>
AVSS_HOST_DEVICE T curved(image_curve form, T x, T slope) {
  switch (form) {
    case image_curve::identity: break;
    case image_curve::relu: return x < 0 ? T(0) : x;
    case image_curve::prelu: return x > 0 ? x : slope * x;
    case image_curve::swish: return x / (1 + std::exp(-x));
  }
  return x;
}

// body(output place, tap, input place) for all pixels of one image that a kernel brings together.
template <class Body>
void slide(const op::image_size& n, const op::image_kernel& k, Body&& body) {
  const dim_t rows = k.along(n.height), columns = k.along(n.width);
  for (dim_t h = 0; h < rows; ++h)
    for (dim_t w = 0; w < columns; ++w)
      for (dim_t kh = 0; kh < k.size; ++kh)
        for (dim_t kw = 0; kw < k.size; ++kw) {
          const dim_t from_h = h * k.stride + kh - k.pad, from_w = w * k.stride + kw - k.pad;
          if (from_h >= 0 && from_h < n.height && from_w >= 0 && from_w < n.width)
            body(h * columns + w, kh * k.size + kw, from_h * n.width + from_w);
        }
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::stack_frames<T>& o, void*) {
  const dim_t plane = o.height * o.width;
  for (dim_t i = 0; i < o.frames; ++i)
    for (dim_t k = 0; k < o.taps; ++k) {
      const dim_t from = o.neighbour(i, k);
      for (dim_t p = 0; p < plane; ++p) o.y[(i * plane + p) * o.taps + k] = from >= 0 ? o.x[from * plane + p] : T(0);
    }
}

template <class T>
dim_t packed_values(const reference<T>&, const op::image_conv_plan& p) {
  return p.kernel.out * p.n.channels * p.kernel.taps();
}

template <class T>
void execute(reference<T>&, const op::pack_image_conv<T>& o, void*) {
  const dim_t each = o.plan.n.channels * o.plan.kernel.taps();
  for (dim_t c = 0; c < o.plan.kernel.out; ++c)
    for (dim_t i = 0; i < each; ++i) o.packed[c * each + i] = o.weight[c * each + i] * (o.gain ? o.gain[c] : T(1));
}

template <class T>
void execute(reference<T>&, const op::image_conv<T>& o, void*) {
  const op::image_size& n = o.plan.n;
  const op::image_kernel& k = o.plan.kernel;
  const dim_t in = n.channels, out = k.out, size = k.over(n).each();
  for (dim_t i = 0; i < o.images; ++i) {
    const T* const x = o.x + i * n.each();
    T* const y = o.y + i * size;
    for (dim_t j = 0; j < size; ++j) y[j] = (o.plan.add ? y[j] : T(0)) + (o.plan.offset ? o.offset[j % out] : T(0));
    ref::slide(n, k, [&](dim_t to, dim_t tap, dim_t from) {
      for (dim_t c = 0; c < out; ++c)
        for (dim_t d = 0; d < in; ++d) y[to * out + c] += o.packed[(c * in + d) * k.taps() + tap] * x[from * in + d];
    });
    for (dim_t j = 0; j < size; ++j) y[j] = ref::curved(o.plan.form, y[j], o.slope ? o.slope[j % out] : T(0));
  }
}

template <class T>
void execute(reference<T>&, const op::image_moments<T>& o, void*) {
  const dim_t C = o.n.channels, pixels = o.n.images * o.n.plane();
  for (dim_t c = 0; c < C; ++c) {
    T mean = 0, square = 0;
    for (dim_t p = 0; p < pixels; ++p) mean += o.x[p * C + c] / static_cast<T>(pixels);
    for (dim_t p = 0; p < pixels; ++p) square += (o.x[p * C + c] - mean) * (o.x[p * C + c] - mean);
    o.mean[c] = mean;
    o.rstd[c] = 1 / std::sqrt(square / static_cast<T>(pixels) + static_cast<T>(o.eps));
  }
}

template <class T>
void execute(reference<T>&, const op::image_norm<T>& o, void*) {
  const dim_t C = o.n.channels;
  for (dim_t i = 0; i < o.n.size(); ++i) {
    const dim_t c = i % C;
    const T v = o.gamma[c] * (o.x[i] - o.mean[c]) * o.rstd[c] + o.beta[c] + (o.add ? o.y[i] : T(0));
    o.y[i] = ref::curved(o.bend.form, v, o.bend.slope ? o.bend.slope[c] : T(0));
  }
}

template <class T>
void execute(reference<T>&, const op::fold_norm<T>& o, void*) {
  for (dim_t c = 0; c < o.channels; ++c) {
    o.gain[c] = o.gamma[c] / std::sqrt(o.running_var[c] + static_cast<T>(o.eps));
    o.offset[c] = o.beta[c] - o.gain[c] * o.running_mean[c];
  }
}

template <class T>
void execute(reference<T>&, const op::image_max<T>& o, void*) {
  const dim_t C = o.n.channels;
  const op::image_kernel k = op::image_max<T>::kernel(C);
  const dim_t size = k.over(o.n).each();
  for (dim_t i = 0; i < o.n.images; ++i) {
    const T* const x = o.x + i * o.n.each();
    T* const y = o.y + i * size;
    // The middle of a window is always inside the image.
    ref::slide(o.n, k, [&](dim_t to, dim_t tap, dim_t from) {
      for (dim_t c = 0; c < C && tap == k.taps() / 2; ++c) y[to * C + c] = x[from * C + c];
    });
    ref::slide(o.n, k, [&](dim_t to, dim_t, dim_t from) {
      for (dim_t c = 0; c < C; ++c) y[to * C + c] = std::max(y[to * C + c], x[from * C + c]);
    });
  }
}

template <class T>
void execute(reference<T>&, const op::image_mean<T>& o, void*) {
  const dim_t C = o.n.channels, plane = o.n.plane();
  for (dim_t i = 0; i < o.n.images; ++i)
    for (dim_t c = 0; c < C; ++c) {
      T sum = 0;
      for (dim_t p = 0; p < plane; ++p) sum += o.x[(i * plane + p) * C + c];
      o.y[c * o.pitch + i] = sum / static_cast<T>(plane);
    }
}

}  // namespace avss
