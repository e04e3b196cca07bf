// Between maps and sequences of vectors, and the matrix products along sequences.
#pragma once

#include <avss/core/host_device.hpp>
#include <avss/op/map_norm.hpp>
#include <cmath>

namespace avss {

// Sines and cosines of positions (Vaswani et al. 2017): with w = 10000^(-2i / channels), channel 2i of position t is sin(t w)
// and channel 2i + 1 is cos(t w).
AVSS_HOST_DEVICE inline double position_value(dim_t t, dim_t channel, dim_t channels) {
  const double w = std::exp(-static_cast<double>(channel / 2 * 2) * std::log(10000.0) / static_cast<double>(channels));
  const double at = static_cast<double>(t) * w;
  return channel % 2 ? std::cos(at) : std::sin(at);
}

namespace op {

// A map [B, C, T, F] as sequences [S, N, C], a step of all sequences lying together: along the bins S = F and sequence
// n = b T + t; along the frames S = T and n = b F + f.
struct walk {
  map_size n;
  bool along_bins;

  constexpr dim_t steps() const { return along_bins ? n.bins : n.frames; }
  constexpr dim_t rows() const { return n.batch * (along_bins ? n.frames : n.bins); }
};

// y[s,n,:] = f(x) at that place (+ table[s,:]).
template <class T>
struct to_sequences {
  walk w;
  const T* x;  // [B, C, T, F]
  map_norm<T> f;
  const T* table;  // [S, C], or null
  T* y;            // [S, N, C]
};

// y = x at that place (+ plus).   y may be plus.
template <class T>
struct from_sequences {
  walk w;
  const T* x;     // [S, N, C]
  const T* plus;  // [B, C, T, F], or null
  T* y;           // [B, C, T, F]
};

// y[t,c] = position_value(t, c, channels).
template <class T>
struct position_table {
  dim_t frames, channels;
  T* y;  // [frames, channels]
};

// y[l,n,o] = bias[o] + sum over c, k of W[c window + k, o] x[l + k, n, c], l = 0 ... steps - window: a linear layer of the
// windows that a sequence is unfolded into. With window 1 a linear layer of each step.
struct window_size {
  dim_t steps, rows, in, window, out;

  constexpr dim_t out_steps() const { return steps - window + 1; }
};

template <class T>
struct window_linear_fwd {
  window_size n;
  bool in_major;  // weight is [in window, out]; otherwise [out, in window]
  const T* x;     // [steps, rows, in]
  const T* weight;
  const T* bias;  // [out], or null
  T* y;           // [out_steps, rows, out]
};

template <class T>
struct window_linear_bwd {
  window_size n;
  bool in_major;
  const T* x;
  const T* weight;
  const T* dy;
  T* dx;            // [steps, rows, in]
  bool accumulate;  // dx += instead of =
  T* dweight;       // added to
  T* dbias;         // added to, or null
};

// The transposed convolution that folds windows back:
// y[s,n,o] = bias[o] + sum over i, k of weight[i,o,k] x[s - k, n, i], s = 0 ... steps + window - 2.
template <class T>
struct window_fold_fwd {
  dim_t steps, rows, in, window, out;
  const T* x;       // [steps, rows, in]
  const T* weight;  // [in, out, window]
  const T* bias;    // [out]
  T* y;             // [steps + window - 1, rows, out]
};

template <class T>
struct window_fold_bwd {
  dim_t steps, rows, in, window, out;
  const T* x;
  const T* weight;
  const T* dy;
  T* dx;       // assigned
  T* dweight;  // added to
  T* dbias;    // added to
};

}  // namespace op
}  // namespace avss
