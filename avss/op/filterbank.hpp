// Learned filterbanks between waveform and frames: analysis, and masking with synthesis.
#pragma once

#include <avss/op/act_norm.hpp>

namespace avss {

enum class activation { identity, relu, sigmoid, softmax };  // softmax: over the sources

namespace op {

// w[b,n,k] = act(bias[n] + sum_l weight[n,l] x[b, k stride + l - left]), x = 0 outside [0, length).
template <class T>
struct analysis_fwd {
  dim_t batch, length, frames, filters, window, stride, left;
  const T* x;       // [B, length]
  const T* weight;  // [filters, window]
  const T* bias;    // [filters], or null
  activation act;   // identity or relu
  T* w;             // [B, filters, frames]
  act_norm<T> next{};
};

template <class T>
struct analysis_bwd {
  dim_t batch, length, frames, filters, window, stride, left;
  const T* x;
  const T* weight;
  activation act;
  const T* w;  // the result of analysis_fwd
  T* dw;       // [B, filters, frames]; used up
  T* dweight;  // added to
  T* dbias;    // added to, or null
  T* dx;       // [B, length], or null: not wanted
};

// The separated waveforms. For source s, with p = f(z) [B, in, frames]:
//   mask_s = act(mask_weight[s N .. s N + N-1, :] p + mask_bias)          N filters
//   out[b,s,t] = bias + sum over k, n, l with k stride + l - left == t of decoder[n,l] mask_s[n,k] w[b,n,k]
template <class T>
struct masked_synthesis_fwd {
  dim_t batch, in, sources, filters, frames, window, stride, left, length;
  const T* z;            // [B, in, frames]
  const T* slope;        // PReLU of f, or null
  const T* mask_weight;  // [sources * filters, in]
  const T* mask_bias;    // [sources * filters], or null
  activation act;
  const T* w;        // [B, filters, frames]
  const T* decoder;  // [filters, window]
  const T* bias;     // [1], or null
  T* out;            // [B, sources, length]
};

// Gradients; the masks are made anew, not kept.
template <class T>
struct masked_synthesis_bwd {
  masked_synthesis_fwd<T> fwd;  // its out is not read
  const T* dout;                // [B, sources, length]
  T* dz;                        // [B, in, frames]
  T* dw;                        // [B, filters, frames]
  T* dslope;                    // added to, or null
  T* dmask_weight;              // added to
  T* dmask_bias;                // added to, or null
  T* ddecoder;                  // added to
  T* dbias;                     // added to, or null
};

}  // namespace op
}  // namespace avss
