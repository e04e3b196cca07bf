// Self-attention, and the projections of several heads at once.
#pragma once

#include <array>
#include <avss/core/shape.hpp>
#include <avss/op/dropout.hpp>

namespace avss::op {

// Where the vectors of an attention lie: vector (outer, inner, position) starts at outer * `outer` + inner * `inner` +
// position * `position` values.
struct vector_strides {
  dim_t outer, inner, position;
};

struct attention_size {
  dim_t outer, inner, length;  // outer x inner attentions of `length` queries and keys each
  dim_t width, value_width;    // values of a query or key, and of a value
  double scale;
  vector_strides query, value, result;  // keys lie as queries
};

// P = softmax over the keys of scale q . k;   y = P v.   Attention weights are dropped out where `drop` says so.
template <class T>
struct attention_fwd {
  attention_size n;
  const T* q;
  const T* k;
  const T* v;
  T* weights;  // P [outer, inner, length, length], before dropout
  T* y;
  dropout_rule drop{};
};

template <class T>
struct attention_bwd {
  attention_size n;
  const T* q;
  const T* k;
  const T* v;
  const T* weights;
  const T* dy;
  T* dq;  // all three assigned
  T* dk;
  T* dv;
  dropout_rule drop{};
};

inline constexpr int most_heads = 8;

// Pointwise convolutions of one input, their results one after another along the channels:
// y[b, first_i + o] = weight_i[o] . x[b] + bias_i[o], first_i = out_0 + ... + out_(i-1).
template <class T>
struct stacked_pointwise_fwd {
  struct part {
    dim_t out = 0;
    const T* weight = nullptr;  // [out, in]
    const T* bias = nullptr;    // [out]
  };
  dim_t batch, in, plane;
  const T* x;  // [B, in, plane]
  int n;
  std::array<part, 3 * most_heads> parts;
  T* y;  // [B, sum of out, plane]
};

template <class T>
struct stacked_pointwise_bwd {
  struct part {
    dim_t out = 0;
    const T* weight = nullptr;
    T* dweight = nullptr;  // added to
    T* dbias = nullptr;    // added to
  };
  dim_t batch, in, plane;
  const T* x;
  int n;
  std::array<part, 3 * most_heads> parts;
  const T* dy;
  T* dx;  // added to
};

// Per head PReLU, then normalisation over the channels and bins of a frame (norm_over::frame of one head's channels), then a
// turn that lays a frame's values side by side:
//   y[b,h,t,(c,f)] = gamma_h[c,f] (a - mean[b,h,t]) rstd[b,h,t] + beta_h[c,f],   a = prelu_h(x[b, h C + c, t, f])
struct heads_size {
  dim_t batch, heads, channels, frames, bins;  // channels: of one head
  dim_t pitch;                                 // of x: values from one item to the next
};

template <class T>
struct head_norm_fwd {
  heads_size n;
  double eps;
  const T* x;
  std::array<const T*, most_heads> slope, gamma, beta;  // [1], [channels, bins], [channels, bins]
  T* mean;                                              // [B, heads, T]
  T* rstd;                                              // likewise
  T* y;                                                 // [B, heads, T, channels bins]
};

template <class T>
struct head_norm_bwd {
  head_norm_fwd<T> fwd;  // its y is not read
  const T* dy;
  T* dx;                                             // as x, assigned
  std::array<T*, most_heads> dslope, dgamma, dbeta;  // added to
};

// y[r,j,i,:] = x[r,i,j,:]      x [rows, a, b, inner]   y [rows, b, a, inner]
template <class T>
struct swap_axes {
  dim_t rows, a, b, inner;
  const T* x;
  T* y;
};

}  // namespace avss::op
