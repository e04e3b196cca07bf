// The way back through images and their convolutions (op/image.hpp).
#pragma once

#include <avss/op/image.hpp>

namespace avss::op {

// dx[from] = the sum of dy over the frames and taps that saw it, of all frames (first = 0).
template <class T>
struct unstack_frames {
  dim_t clip, height, width, taps;
  dim_t frames;
  const T* dy;  // [frames, height, width, taps]
  T* dx;        // [frames, height, width]
};

// Through y = sum over taps and channels of weight x.
template <class T>
struct image_conv_bwd {
  image_size n;  // of x
  image_kernel kernel;
  const T* x;
  const T* weight;  // [out, in, size, size]
  const T* dy;
  T* dx;       // assigned; null: not wanted
  T* dweight;  // added to
};

// Through y = bend(gamma (x - mean) rstd + beta (+ plus)).
template <class T>
struct image_norm_bwd {
  image_size n;
  const T* x;
  const T *mean, *rstd, *gamma, *beta;  // [C] each
  bool fixed;                           // mean and rstd are constants, not made of x: running statistics
  const T* plus;                        // or null
  image_bend<T> bend;
  T* d;                        // dL/dy, becomes dL/dplus
  T* dx;                       // assigned; may be d
  T *dgamma, *dbeta, *dslope;  // [C] each, added to; dslope for prelu
};

// Through image_max: of equal values the first, in the order of rows, takes it all.
template <class T>
struct image_max_bwd {
  image_size n;  // of x
  const T *x, *dy;
  T* dx;  // assigned
};

// Through image_mean.
template <class T>
struct image_mean_bwd {
  image_size n;
  dim_t pitch;
  const T* dy;  // [channels, pitch]
  T* dx;        // assigned
};

}  // namespace avss::op
