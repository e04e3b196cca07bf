// Convolution with kernel 1: a matrix product over the channels, with what stands before and after it.
#pragma once

#include <avss/op/act_norm.hpp>

namespace avss::op {

// One result of a pointwise convolution.
template <class T>
struct pointwise_target {
  dim_t out = 0;
  const T* weight = nullptr;    // [out, in]
  const T* bias = nullptr;      // [out], or null
  const T* residual = nullptr;  // [B, out, T] added to the result, or null; may be y
  T* y = nullptr;               // [B, out, T]
};

// y_i = W_i f(x) + b_i (+ residual_i), one or two results of the same input; mean and rstd of `next` over the first.
template <class T>
struct pointwise_fwd {
  dim_t batch, in, frames;
  const T* x;     // [B, in, T]
  act_norm<T> f;  // of the input
  int n_targets;  // 1 or 2
  pointwise_target<T> target[2];
  act_norm<T> next{};  // of target[0].y; its mean and rstd are made when it has a norm
};

template <class T>
struct pointwise_target_grad {
  dim_t out = 0;
  const T* weight = nullptr;  // [out, in]
  const T* dy = nullptr;      // [B, out, T]
  T* dweight = nullptr;       // [out, in], added to
  T* dbias = nullptr;         // [out], added to, or null
};

// Gradients of pointwise_fwd: input.df (+)= sum_i W_i^T dy_i, and what input's sums need (see act_norm_grad).
// If output.df is set, there is one target and its dy is found by going back through `output` first; output.df is used up
// (it holds dy afterwards).
template <class T>
struct pointwise_bwd {
  dim_t batch, in, frames;
  act_norm_grad<T> input;
  bool accumulate;  // only where input.f has no norm
  int n_targets;
  pointwise_target_grad<T> target[2];
  act_norm_grad<T> output{};
};

}  // namespace avss::op
