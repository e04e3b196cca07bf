// Convolutions over frames and bins.
#pragma once

#include <avss/op/map.hpp>

namespace avss::op {

// How a kernel slides over a map: output (t, f) is made of the inputs (t stride_t + k_t - left_t, f stride_f + k_f - left_f),
// those outside counting as zero.
struct sliding {
  dim_t kernel_t = 1, kernel_f = 1;
  dim_t stride_t = 1, stride_f = 1;
  dim_t left_t = 0, left_f = 0;
  dim_t frames = 0, bins = 1;  // of the output

  constexpr dim_t taps() const { return kernel_t * kernel_f; }
  constexpr map_size out(const map_size& n, dim_t channels) const { return {n.batch, channels, frames, bins}; }
};

// y[b,o] = bias[o] + sum_i weight[o,i] * x[b,i]      n: of x, with the input channels; s: strides 1, frames and bins of x
// Transposed, the kernel lies the other way round: y[b,o,t,f] = bias[o] + sum of weight[i,o,k_t,k_f] x[b,i,t - k_t + left_t,
// f - k_f + left_f].
template <class T>
struct conv2d_fwd {
  map_size n;
  dim_t out;
  sliding s;
  bool transposed;
  const T* x;       // [B, in, T, F]
  const T* weight;  // [out, in, kernel_t, kernel_f]; transposed [in, out, ...]
  const T* bias;    // [out], or null
  T* y;             // [B, out, T, F]
};

template <class T>
struct conv2d_bwd {
  map_size n;
  dim_t out;
  sliding s;
  bool transposed;
  const T* x;
  const T* weight;
  const T* dy;
  T* dx;       // [B, in, T, F], assigned; null: not wanted
  T* dweight;  // added to
  T* dbias;    // added to, or null
};

// y[b,c] = bias[c] + weight[c] * x[b,c]: one kernel for each channel.   n: of x
template <class T>
struct depthwise2d_fwd {
  map_size n;
  sliding s;
  const T* x;       // [B, C, T, F]
  const T* weight;  // [C, kernel_t, kernel_f]
  const T* bias;    // [C], or null
  T* y;             // [B, C, s.frames, s.bins]
};

template <class T>
struct depthwise2d_bwd {
  map_size n;
  sliding s;
  const T* x;
  const T* weight;
  const T* dy;
  T* dx;            // [B, C, T, F]
  bool accumulate;  // dx += instead of =
  T* dweight;       // added to
  T* dbias;         // added to, or null
};

// Kernel 1, channels in groups: y[b, g O + o, t] = bias + sum_i weight[g O + o, i] x[b, g I + i, t].
template <class T>
struct grouped_pointwise_fwd {
  dim_t batch, groups, in, out, frames;  // in, out: of one group
  const T* x;                            // [B, groups in, T]
  const T* weight;                       // [groups out, in]
  const T* bias;                         // [groups out], or null
  T* y;                                  // [B, groups out, T]
};

template <class T>
struct grouped_pointwise_bwd {
  dim_t batch, groups, in, out, frames;
  const T* x;
  const T* weight;
  const T* dy;
  T* dx;
  bool accumulate;  // dx += instead of =
  T* dweight;       // added to
  T* dbias;         // added to, or null
};

}  // namespace avss::op
