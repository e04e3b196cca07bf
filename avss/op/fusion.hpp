// What joins large maps value by value: the gateway of a block, the fusion of sound and sight, the complex mask.
//
// `share`: several items of the batch may be made of one mixture, one for each face; arrays marked [B / share] hold one item
// for each mixture, and item b of the others goes with item b / share of these. Their gradients are summed over the items.
#pragma once

#include <avss/op/resize.hpp>

namespace avss::op {

// y = prelu(weight[c] (x + plus) + bias[c]).   y may be x.
template <class T>
struct gateway_fwd {
  map_size n;
  const T* x;
  const T* plus;  // [B / share], or null
  dim_t share;
  const T* weight;  // [C]
  const T* bias;    // [C]
  const T* slope;   // [1]
  T* y;
};

template <class T>
struct gateway_bwd {
  map_size n;
  const T* x;
  const T* plus;
  dim_t share;
  const T* weight;
  const T* bias;
  const T* slope;
  T* d;             // holds dL/dy, then dL/dx
  T* dplus;         // [B / share], or null
  bool accumulate;  // dplus += instead of =
  T* dweight;       // added to
  T* dbias;         // added to
  T* dslope;        // added to
};

// One of the two depthwise convolutions of kernel 1 with BatchNorm that the fusion makes of the sound:
//   gamma[c] (weight[c] a - mean[c]) rstd[c] + beta[c]
template <class T>
struct fusion_branch {
  const T* weight;  // all [C]
  const T* gamma;
  const T* beta;
  T* mean;
  T* rstd;
};
template <class T>
struct fusion_branch_grad {
  T* dweight;  // all [C], added to
  T* dgamma;
  T* dbeta;
};

// mean and rstd of weight a over items, frames and bins.
template <class T>
struct fusion_moments {
  map_size n;  // of a
  double eps;
  const T* a;
  fusion_branch<T> branch;
};

// y[b,c,t,f] = relu(gate(a))[b,c,t,f] key[b,c,t'] + value(a)[b,c,t,f] weight[b,c,t'], t' = nearest_index(t, video_frames, T).
template <class T>
struct fusion_fwd {
  map_size n;  // of y
  dim_t share, video_frames;
  const T* a;  // [B / share, C, T, F]
  fusion_branch<T> gate, value;
  const T* key;      // [B, C, video_frames]
  const T* weights;  // likewise
  T* y;
};

// With `fixed`, mean and rstd are constants; otherwise the moments of a.
template <class T>
struct fusion_bwd {
  fusion_fwd<T> fwd;  // its y is not read
  bool fixed;
  const T* dy;
  T* da;        // [B / share, C, T, F], assigned
  T* dkey;      // assigned
  T* dweights;  // assigned
  fusion_branch_grad<T> gate, value;
};

// y[b,c,t] = softmax over t of the mean of x[b, heads c ... heads c + heads - 1, t].
template <class T>
struct head_softmax_fwd {
  dim_t batch, channels, heads, frames;
  const T* x;  // [B, channels heads, T]
  T* y;        // [B, channels, T]
};

template <class T>
struct head_softmax_bwd {
  dim_t batch, channels, heads, frames;
  const T* y;
  const T* dy;
  T* dx;  // assigned
};

// Complex product with the first half of the channels as real and the second as imaginary parts:
//   z = relu(mask) e      mask, z [B, C, plane]   e [B / share, C, plane]      z may be mask.
template <class T>
struct complex_mask_fwd {
  dim_t batch, share, channels, plane;
  const T* mask;
  const T* e;
  T* z;
};

template <class T>
struct complex_mask_bwd {
  dim_t batch, share, channels, plane;
  const T* mask;
  const T* e;
  const T* dz;
  T* dmask;  // assigned; may be dz
  T* de;     // [B / share], assigned
};

}  // namespace avss::op
