// PReLU and normalisation, as a function f of an array that other operations apply on the fly.
#pragma once

#include <avss/core/shape.hpp>

namespace avss {

// What one mean and variance are taken over. C channels, T frames of one item:
//   global      all C x T                    GroupNorm(1, C); "gLN" of Conv-TasNet, section 2.2 of arXiv:1809.07454
//   per_frame   the C values of a frame      LayerNorm over channels; asteroid's "cLN"
//   cumulative  all values up to the frame   the paper's causal "cLN"; asteroid's "cgLN" (since 0.7.0)
enum class norm_kind { none, global, per_frame, cumulative };

// Number of means (and of variances) that an item of `frames` frames has.
constexpr dim_t stats_per_item(norm_kind kind, dim_t frames) {
  return kind == norm_kind::none ? 0 : kind == norm_kind::global ? 1 : frames;
}

namespace op {

// f(x)[b,c,t] = gamma[c] (a(x[b,c,t]) - mean[b,t]) rstd[b,t] + beta[c]      a(x) = x > 0 ? x : slope x
// rstd = 1 / sqrt(variance + eps), biased variance. Without slope a(x) = x; with norm == none f = a.
template <class T>
struct act_norm {
  const T* slope = nullptr;  // [1], or null
  norm_kind norm = norm_kind::none;
  double eps = 0;
  const T* gamma = nullptr;  // [C]
  const T* beta = nullptr;   // [C]
  T* mean = nullptr;         // [B] if global, else [B, T]
  T* rstd = nullptr;         // likewise

  bool identity() const { return !slope && norm == norm_kind::none; }
};

// Everything needed to go back through f. The operation that makes df also adds to dgamma and dbeta and closes the sums
// that run over whole items:
//   dL/da[b,c,t] = gamma[c] rstd[b,t] df[b,c,t] + shift[b,t] + scale[b,t] (a - mean[b,t])
// The operation that consumes it applies this and a's derivative, and adds to dslope.
template <class T>
struct act_norm_grad {
  act_norm<T> f;
  const T* x = nullptr;  // [B, C, T], what f was applied to
  T* df = nullptr;       // [B, C, T]
  T* shift = nullptr;    // as f.mean
  T* scale = nullptr;    // as f.mean
  T* dgamma = nullptr;   // [C], added to
  T* dbeta = nullptr;    // [C], added to
  T* dslope = nullptr;   // [1], added to
};

// mean and rstd of f over a(x), x [B, C, T].
template <class T>
struct moments {
  dim_t batch, channels, frames;
  const T* x;
  act_norm<T> f;
};

// y = f(x), mean and rstd given.   x, y [B, C, T]
template <class T>
struct act_norm_fwd {
  dim_t batch, channels, frames;
  const T* x;
  act_norm<T> f;
  T* y;
};

// From df: adds to dgamma and dbeta, sets shift and scale.
template <class T>
struct act_norm_close {
  dim_t batch, channels, frames;
  act_norm_grad<T> g;
};

// dx (+)= dL/dx from df, shift and scale; adds to dslope.   dx may be g.df.
template <class T>
struct act_norm_bwd {
  dim_t batch, channels, frames;
  act_norm_grad<T> g;
  T* dx;
  bool accumulate;
};

}  // namespace op
}  // namespace avss
