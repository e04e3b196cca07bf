// Losses that are distances of an estimate from a target, of waveforms or of spectra, and what permuting any loss needs.
//
// distance -> (choose_sources) -> pair_mean, and distance_gradient. Values are double, in the backend's memory.
#pragma once

#include <avss/core/shape.hpp>
#include <cstdint>

namespace avss {

// Means over the samples, or over the bins and frames. |X| = sqrt(max(Re^2 + Im^2, floor)); logarithms are natural.
//   complex_l1  mean |dRe| + |dIm|     complex_mse  mean dRe^2 + dIm^2, one mean over complex bins
//   spectral_convergence  sqrt(sum (|E| - |S|)^2 / sum |S|^2) of one source (Arik et al. 2019, arXiv:1808.06719); a source
//   below
//                         convergence_floor counts as if it were that loud: without it one pause would outweigh a whole batch
// Of the mean |S|^2 of a source's bins: white noise of about -46 dB of full scale in windows of 1024 samples.
inline constexpr double convergence_floor = 1e-2;

enum class distance_kind {
  signal_l1,
  signal_mse,
  complex_l1,
  complex_mse,
  magnitude_l1,
  magnitude_mse,
  log_magnitude_l1,
  log_magnitude_mse,
  spectral_convergence
};

namespace op {

// Rows of n samples, or of n real parts and then n imaginary ones.
template <class T>
struct distance {
  dim_t batch, sources, n;
  distance_kind kind;
  double floor;
  const T* estimate;  // [B, S, row]
  const T* target;    // [B, S, row]
  bool all;           // every estimate i against every target j; else i = j alone
  double scale;
  bool accumulate;
  double* pairs;  // [B, S, S]: assigned or added scale times the distance
};

// d_estimate [B, S, row]: assigned or added scale times the derivative of the distance of estimate j from target j.
template <class T>
struct distance_gradient {
  dim_t batch, sources, n;
  distance_kind kind;
  double floor;
  const T* estimate;
  const T* target;
  double scale;
  bool accumulate;
  T* d_estimate;
};

// value[slot] = mean over items of pairs[b, j, j]; permutation[slot, b, j] = j.
template <class T>
struct pair_mean {
  dim_t batch, sources;
  const double* pairs;
  dim_t slot;
  double* value;
  std::int32_t* permutation;
};

// to (+)= scale from, n numbers.
template <class T>
struct add_pairs {
  dim_t n;
  const double* from;
  double scale;
  bool accumulate;
  double* to;
};

// permutation [B, S]: the one of the least sum of pairs, of equal ones the first.
template <class T>
struct choose_sources {
  dim_t batch, sources;
  const double* pairs;
  std::int32_t* permutation;
};

// to[slot, b, j] = permutation[b, j] for `slots` slots from `slot` on.
template <class T>
struct place_permutation {
  dim_t batch, sources, slot, slots;
  const std::int32_t* permutation;
  std::int32_t* to;
};

// to[b, j] = from[b, permutation[b, j]], or, `back`, to[b, permutation[b, j]] (+)= from[b, j].
template <class T>
struct permute_sources {
  dim_t batch, sources, length;
  const std::int32_t* permutation;
  const T* from;
  bool back, accumulate;
  T* to;
};

// to = 0, n numbers: where the first of several gradients is added to.
template <class T>
struct clear {
  dim_t n;
  T* to;
};

}  // namespace op
}  // namespace avss
