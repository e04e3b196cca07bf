// Depthwise convolution along time: one filter for each channel.
#pragma once

#include <avss/op/act_norm.hpp>

namespace avss::op {

// y[b,c,t] = bias[c] + sum_k weight[c,k] f(x)[b,c, t + k dilation - left], f(x) = 0 outside [0, T).
// As many frames come out as go in. y may be x. mean and rstd of `next` over y.
template <class T>
struct depthwise_fwd {
  dim_t batch, channels, frames;
  dim_t kernel, dilation, left;
  const T* x;  // [B, C, T]
  act_norm<T> f;
  const T* weight;  // [C, kernel]
  const T* bias;    // [C], or null
  T* y;             // [B, C, T]
  act_norm<T> next{};
};

// Gradients of depthwise_fwd: back through `output`, then the filters, then input's sums. input.df may be output.df.
template <class T>
struct depthwise_bwd {
  dim_t batch, channels, frames;
  dim_t kernel, dilation, left;
  act_norm_grad<T> output;
  const T* weight;  // [C, kernel]
  T* dweight;       // [C, kernel], added to
  T* dbias;         // [C], added to, or null
  act_norm_grad<T> input;
};

}  // namespace avss::op
