// Maps of several sizes brought together: adaptive pooling, and injection of a small map into a large one.
#pragma once

#include <avss/op/map_norm.hpp>

namespace avss {

// The index that nearest interpolation from `in` to `out` values takes for output i, worked out in float as PyTorch does it:
// whole numbers alone would differ at some sizes.
constexpr dim_t nearest_index(dim_t i, dim_t in, dim_t out) {
  if (in == out) return i;
  const float ratio = static_cast<float>(in) / static_cast<float>(out);
  const dim_t at = static_cast<dim_t>(static_cast<float>(i) * ratio);
  return at < in ? at : in - 1;
}

namespace op {

// y[b,c,t,f] (+)= mean of x over frames [floor(t T / T'), ceil((t + 1) T / T')) and bins likewise; T' = frames, F' = bins
// at most T and F.
template <class T>
struct adaptive_pool_fwd {
  map_size n;  // of x
  dim_t frames, bins;
  const T* x;
  T* y;
  bool accumulate;
};

// dx += dL/dx.
template <class T>
struct adaptive_pool_bwd {
  map_size n;
  dim_t frames, bins;
  const T* dy;
  T* dx;
};

// y = f_local(local) * up(f_gate(gate)) + up(f_embedding(embedding)) (+ plus), where up repeats the values of the smaller maps
// (nearest_index) up to the size of `local`. y may be plus.
template <class T>
struct inject_fwd {
  map_size n;          // of local
  dim_t frames, bins;  // of gate and embedding
  const T* local;
  map_norm<T> f_local;
  const T* gate;
  map_norm<T> f_gate;
  const T* embedding;
  map_norm<T> f_embedding;
  const T* plus;  // [as local], or null
  T* y;
};

// Gradients with respect to the three functions' results; that of plus is dy.
template <class T>
struct inject_bwd {
  inject_fwd<T> fwd;  // its plus and y are not read
  const T* dy;
  T* dlocal;  // all three assigned
  T* dgate;
  T* dembedding;
};

}  // namespace op
}  // namespace avss
