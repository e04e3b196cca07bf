// Losses between estimated and true waveforms that are functions of their second moments: SI-SDR and its relatives.
//
// pair_moments -> energy_ratio -> pair_gradient. Everything between the waveforms is double, in the backend's memory.
#pragma once

#include <avss/core/shape.hpp>
#include <cstdint>

namespace avss {

// e estimate, s target, both of one source, means subtracted or not. p = alpha s, alpha = <e,s> / |s|^2.
enum class ratio_kind {
  si_sdr,          // |p|^2 / |e - p|^2
  sd_sdr,          // |p|^2 / |e - s|^2
  snr,             // |s|^2 / |e - s|^2
  thresholded_snr  // |s|^2 / (|e - s|^2 + floor |s|^2)
};

// Where eps stands. The first as in torchmetrics:
//   alpha = (<e,s> + eps) / (|s|^2 + eps)     10 log10( (signal + eps) / (noise + eps) )
// the second as in asteroid:
//   alpha = <e,s> / (|s|^2 + eps)             10 log10( signal / (noise + eps) + eps )
enum class eps_place { both_sides, log_argument };

struct ratio_rule {
  ratio_kind kind = ratio_kind::si_sdr;
  eps_place place = eps_place::both_sides;
  double eps = 0;    // > 0
  double floor = 0;  // of thresholded_snr
};

// Second moments of one item: where each stands in its row of doubles.
struct moment_layout {
  dim_t sources;
  constexpr dim_t estimate_mean(dim_t i) const { return i; }
  constexpr dim_t target_mean(dim_t j) const { return sources + j; }
  constexpr dim_t estimate_energy(dim_t i) const { return 2 * sources + i; }
  constexpr dim_t target_energy(dim_t j) const { return 3 * sources + j; }
  constexpr dim_t product(dim_t i, dim_t j) const { return 4 * sources + i * sources + j; }
  constexpr dim_t distance(dim_t i, dim_t j) const { return (4 + sources) * sources + i * sources + j; }
  constexpr dim_t size() const { return (4 + 2 * sources) * sources; }
};

namespace op {

// For every estimate i and target j of an item: means, sum e_i^2, sum s_j^2, sum e_i s_j, sum (e_i - s_j)^2.
template <class T>
struct pair_moments {
  dim_t batch, sources, length;
  const T* estimate;  // [B, S, length]
  const T* target;    // [B, S, length]
  bool zero_mean;     // the sums are of signals minus their means; else the means are given as 0
  double* moments;    // [B, moment_layout::size()]
};

// -10 log10 of the ratios, a one-to-one choice of estimates for targets, the mean over targets and items, its gradient:
//   d_estimate[permutation[j]] = coefficient[j,0] estimate[permutation[j]] + coefficient[j,1] target[j] + coefficient[j,2]
template <class T>
struct energy_ratio {
  dim_t batch, sources;
  const double* moments;
  ratio_rule rule;
  bool permute;               // choose the best permutation (the first on a tie); else estimate j belongs to target j
  double weight;              // of the gradient, not of the value
  dim_t slot;                 // which of several values this is
  double* pairs;              // [B, S, S] loss of estimate i against target j
  std::int32_t* permutation;  // [slots, B, S] the estimate for each target
  double* value;              // [slots]
  double* coefficient;        // [B, S, 3], or null: no gradient
};

template <class T>
struct pair_gradient {
  dim_t batch, sources, length;
  const T* estimate;
  const T* target;
  dim_t slot;
  const std::int32_t* permutation;  // [slots, B, S]
  const double* coefficient;        // [B, S, 3]
  T* d_estimate;                    // [B, S, length]
  bool accumulate;
};

}  // namespace op
}  // namespace avss
