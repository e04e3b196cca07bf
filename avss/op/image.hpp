// Images whose channels lie side by side, [images, height, width, channels], and what a residual network over them is made of.
#pragma once

#include <avss/core/shape.hpp>

namespace avss {

// relu: max(x, 0); prelu: x > 0 ? x : slope x, a slope for each channel; swish: x sigmoid(x), which PyTorch calls SiLU.
enum class image_curve { identity, relu, prelu, swish };

// How a convolution of images is made: by a product for each tap, or, where the backend can and it pays, by fewer, whose
// result differs by a little more of rounding.
enum class conv_method { direct, winograd };

namespace op {

struct image_size {
  dim_t images = 0, height = 0, width = 0, channels = 0;

  constexpr dim_t plane() const { return height * width; }
  constexpr dim_t each() const { return height * width * channels; }  // values of one image
  constexpr dim_t size() const { return images * each(); }
};

// A square kernel: output (h, w) is made of the inputs (h stride + k_h - pad, w stride + k_w - pad), those outside counting as
// zero.
struct image_kernel {
  dim_t out = 0;  // channels of the result
  dim_t size = 1, stride = 1, pad = 0;

  constexpr dim_t taps() const { return size * size; }
  constexpr dim_t along(dim_t extent) const { return (extent + 2 * pad - size) / stride + 1; }
  constexpr image_size over(const image_size& n) const { return {n.images, along(n.height), along(n.width), out}; }
};

template <class T>
struct image_bend {
  image_curve form = image_curve::identity;
  const T* slope = nullptr;  // [C], for prelu
};

// What a convolution is prepared for, once for all images of a size.
struct image_conv_plan {
  image_size n;  // of the input; the number of images says nothing
  image_kernel kernel;
  bool offset = false;  // a value for each channel is added
  bool add = false;     // and what is in y
  image_curve form = image_curve::identity;
  conv_method method = conv_method::direct;
};

// Frames of clips of one length with their neighbours as channels: y[i, h, w, k] = x[first + i + k - taps / 2, h, w], zero
// outside the frame's own clip. A 3-D convolution with padding taps / 2 along time is a 2-D one over these.
template <class T>
struct stack_frames {
  dim_t clip, height, width, taps;  // clip: frames of one
  dim_t first, frames;
  const T* x;  // [clips x clip, height, width]
  T* y;        // [frames, height, width, taps]

  // The place in x of a frame's neighbour, -1 where there is none.
  constexpr dim_t neighbour(dim_t frame, dim_t tap) const {
    const dim_t at = first + frame, from = at + tap - taps / 2;
    return from >= at / clip * clip && from < (at / clip + 1) * clip ? from : -1;
  }
};

// Lays weights out as the backend's image_conv wants them, each output channel times its gain.
template <class T>
struct pack_image_conv {
  image_conv_plan plan;
  const T* weight;  // [out, in, size, size]
  const T* gain;    // [out], or null
  T* packed;        // [packed_values(backend, plan)]
};

// y = bend(sum over taps and channels of weight x (+ offset) (+ y)), each as the plan says.
template <class T>
struct image_conv {
  dim_t images;
  image_conv_plan plan;
  const T* x;       // [images, height, width, in]
  const T* packed;  // by pack_image_conv for the same plan
  const T* offset;  // [out]
  const T* slope;   // [out], for prelu
  T* y;             // [images, ..., out]
};

// Means and 1 / sqrt(biased variance + eps) of the channels over all images.
template <class T>
struct image_moments {
  image_size n;
  double eps;
  const T* x;
  T* mean;  // [C]
  T* rstd;  // [C]
};

// y = bend(gamma (x - mean) rstd + beta (+ y)); y may be x where nothing is added.
template <class T>
struct image_norm {
  image_size n;
  const T* x;
  const T *mean, *rstd, *gamma, *beta;  // [C] each
  bool add;
  image_bend<T> bend;
  T* y;
};

// BatchNorm in evaluation as a gain and an offset of a channel: gamma (x - mean) / sqrt(var + eps) + beta. All arrays
// [channels].
template <class T>
struct fold_norm {
  dim_t channels;
  double eps;
  const T *gamma, *beta, *running_mean, *running_var;
  T *gain, *offset;
};

// The largest of 3 x 3 values, stride 2, edges left out.
template <class T>
struct image_max {
  image_size n;  // of x
  const T* x;
  T* y;  // [images, (height + 1) / 2, (width + 1) / 2, C]

  static constexpr image_kernel kernel(dim_t channels) { return {channels, 3, 2, 1}; }
};

// y[c pitch + i] = mean of channel c of image i
template <class T>
struct image_mean {
  image_size n;
  dim_t pitch;
  const T* x;
  T* y;
};

}  // namespace op
}  // namespace avss
