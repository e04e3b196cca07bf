// Normalisation of maps with what stands directly before and after it, as a function f that other operations apply too.
#pragma once

#include <avss/op/map.hpp>

namespace avss {

// What one mean and variance of a map [B, C, T, F] are taken over:
//   item      all C x T x F of an item           GroupNorm(1, C)
//   position  the C values at a frame and bin    LayerNorm over channels
//   frame     the C x F values of a frame        LayerNorm over channels and bins; gain and offset [C, F]
//   channel   the B x T x F values of a channel  BatchNorm
enum class norm_over { none, item, position, frame, channel };

// Number of means (and of variances) of a map.
constexpr dim_t stats_of(norm_over over, const op::map_size& n) {
  switch (over) {
    case norm_over::none: return 0;
    case norm_over::item: return n.batch;
    case norm_over::position: return n.batch * n.frames * n.bins;
    case norm_over::frame: return n.batch * n.frames;
    case norm_over::channel: return n.channels;
  }
  return 0;
}

// relu: max(x, 0); prelu: x > 0 ? x : slope x, one slope for all values.
enum class curve { identity, relu, prelu, sigmoid };

namespace op {

template <class T>
struct bend {
  curve form = curve::identity;
  const T* slope = nullptr;  // [1], for prelu
};

// f(x) = post(gamma (pre(x) - mean) rstd + beta), rstd = 1 / sqrt(biased variance of pre(x) + eps); without norm post(pre(x)).
template <class T>
struct map_norm {
  norm_over over = norm_over::none;
  double eps = 0;
  const T* gamma = nullptr;  // [C]; [C, F] if over frames
  const T* beta = nullptr;   // likewise
  T* mean = nullptr;         // [stats_of(over, size)]
  T* rstd = nullptr;         // likewise
  bool fixed = false;        // mean and rstd are constants, not made of x: running statistics
  bend<T> pre{}, post{};
};

// What the way back through f adds to; null where f has no such parameter.
template <class T>
struct map_norm_grad {
  T* dgamma = nullptr;
  T* dbeta = nullptr;
  T* dpre_slope = nullptr;
  T* dpost_slope = nullptr;
};

// mean and rstd of f over pre(x), where they are not fixed.
template <class T>
struct map_moments {
  map_size n;
  const T* x;
  map_norm<T> f;
};

// y = f(x) (+ plus), mean and rstd given. y may be x or plus.
template <class T>
struct map_norm_fwd {
  map_size n;
  const T* x;
  map_norm<T> f;
  const T* plus;  // or null
  T* y;
};

// dx (+)= dL/dx from dy = dL/df(x). dx may be dy where nothing is accumulated.
template <class T>
struct map_norm_bwd {
  map_size n;
  const T* x;
  map_norm<T> f;
  const T* dy;
  map_norm_grad<T> g;
  T* dx;
  bool accumulate;
};

// BatchNorm in evaluation: mean and rstd out of the running statistics. All arrays [channels].
template <class T>
struct running_to_moments {
  dim_t channels;
  double eps;
  const T* running_mean;
  const T* running_var;
  T* mean;
  T* rstd;
};

// BatchNorm in training: running = (1 - momentum) running + momentum new, of mean and unbiased variance over n values, and
// one more batch counted.
template <class T>
struct update_running {
  dim_t channels, n;
  double eps, momentum;
  const T* mean;
  const T* rstd;
  T* running_mean;
  T* running_var;
  T* batches;  // [1]
};

}  // namespace op
}  // namespace avss
