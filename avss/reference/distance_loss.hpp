// Distances as losses, as plain loops. See op/distance_loss.hpp for the formulas.
#pragma once

#include <avss/core/assignment.hpp>
#include <avss/core/host_device.hpp>
#include <avss/op/distance_loss.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>

namespace avss {
namespace ref {

AVSS_HOST_DEVICE inline dim_t distance_row(distance_kind kind, dim_t n) {
  return kind == distance_kind::signal_l1 || kind == distance_kind::signal_mse ? n : 2 * n;
}

// A NaN passes.
AVSS_HOST_DEVICE inline double floored_magnitude(double re, double im, double floor) {
  const double power = re * re + im * im;
  return std::sqrt(power < floor ? floor : power);
}

AVSS_HOST_DEVICE inline double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }

// What a bin adds to the sum, as a function of both magnitudes, and its derivative by the estimate's.
struct magnitude_term {
  double value, derivative;
};
AVSS_HOST_DEVICE inline magnitude_term term_of(distance_kind kind, double e, double s) {
  const bool log = kind == distance_kind::log_magnitude_l1 || kind == distance_kind::log_magnitude_mse;
  const double d = log ? std::log(e / s) : e - s, inner = log ? 1 / e : 1;
  if (kind == distance_kind::magnitude_l1 || kind == distance_kind::log_magnitude_l1) return {std::abs(d), sign(d) * inner};
  return {d * d, 2 * d * inner};
}

// What spectral_convergence divides by: the target's energy, of n bins. A NaN passes.
AVSS_HOST_DEVICE inline double convergence_energy(double energy, dim_t n) {
  const double least = convergence_floor * static_cast<double>(n);
  return energy < least ? least : energy;
}

// Both energies of spectral_convergence.
struct convergence {
  double difference = 0, target = 0;
  double ratio() const { return std::sqrt(difference / target); }
};

template <class T>
convergence convergence_of(const T* e, const T* s, dim_t n, double floor) {
  convergence c;
  for (dim_t t = 0; t < n; ++t) {
    const double x = floored_magnitude(e[t], e[n + t], floor), y = floored_magnitude(s[t], s[n + t], floor);
    c.difference += (x - y) * (x - y);
    c.target += y * y;
  }
  c.target = convergence_energy(c.target, n);
  return c;
}

template <class T>
double distance_of(distance_kind kind, const T* e, const T* s, dim_t n, double floor) {
  if (kind == distance_kind::spectral_convergence) return convergence_of(e, s, n, floor).ratio();
  const bool squared = kind == distance_kind::signal_mse || kind == distance_kind::complex_mse;
  double sum = 0;
  if (kind == distance_kind::signal_l1 || kind == distance_kind::complex_l1 || squared)
    for (dim_t t = 0; t < distance_row(kind, n); ++t) {
      const double d = static_cast<double>(e[t]) - s[t];
      sum += squared ? d * d : std::abs(d);
    }
  else
    for (dim_t t = 0; t < n; ++t)
      sum += term_of(kind, floored_magnitude(e[t], e[n + t], floor), floored_magnitude(s[t], s[n + t], floor)).value;
  return sum / static_cast<double>(n);
}

// d (+)= scale times the derivative by e. Where the magnitude stands on its floor, and where both are equal, it is zero.
template <class T>
void distance_back(distance_kind kind, const T* e, const T* s, dim_t n, double floor, double scale, bool accumulate, T* d) {
  const auto put = [&](dim_t t, double g) { d[t] = static_cast<T>(accumulate ? d[t] + g : g); };
  const double share = scale / static_cast<double>(n);
  const bool squared = kind == distance_kind::signal_mse || kind == distance_kind::complex_mse;
  if (kind == distance_kind::signal_l1 || kind == distance_kind::complex_l1 || squared) {
    for (dim_t t = 0; t < distance_row(kind, n); ++t) {
      const double x = static_cast<double>(e[t]) - s[t];
      put(t, share * (squared ? 2 * x : sign(x)));
    }
    return;
  }
  double outer = 0;
  if (kind == distance_kind::spectral_convergence) {
    const convergence c = convergence_of(e, s, n, floor);
    outer = c.difference == 0 ? 0 : scale / std::sqrt(c.difference * c.target);
  }
  for (dim_t t = 0; t < n; ++t) {
    const double re = e[t], im = e[n + t], x = floored_magnitude(re, im, floor);
    const double y = floored_magnitude(s[t], s[n + t], floor);
    const double by_magnitude =
        kind == distance_kind::spectral_convergence ? outer * (x - y) : share * term_of(kind, x, y).derivative;
    const bool flat = re * re + im * im < floor;
    put(t, flat ? 0 : by_magnitude * re / x);
    put(n + t, flat ? 0 : by_magnitude * im / x);
  }
}

// Entry `at` of the pairs [B, S, S].
template <class T>
void distance_entry(const op::distance<T>& o, dim_t at) {
  const dim_t row = distance_row(o.kind, o.n), b = at / (o.sources * o.sources);
  const dim_t i = at / o.sources % o.sources, j = at % o.sources;
  if (i != j && !o.all) return;
  const double v =
      o.scale * distance_of(o.kind, o.estimate + (b * o.sources + i) * row, o.target + (b * o.sources + j) * row, o.n, o.floor);
  o.pairs[at] = o.accumulate ? o.pairs[at] + v : v;
}

template <class T>
void distance_gradient_row(const op::distance_gradient<T>& o, dim_t r) {
  const dim_t at = r * distance_row(o.kind, o.n);
  distance_back(o.kind, o.estimate + at, o.target + at, o.n, o.floor, o.scale, o.accumulate, o.d_estimate + at);
}

template <class T>
void pair_mean(const op::pair_mean<T>& o) {
  double sum = 0;
  for (dim_t r = 0; r < o.batch * o.sources; ++r) {
    const dim_t j = r % o.sources;
    sum += o.pairs[r * o.sources + j];
    o.permutation[o.slot * o.batch * o.sources + r] = static_cast<std::int32_t>(j);
  }
  o.value[o.slot] = sum / static_cast<double>(o.batch * o.sources);
}

template <class T>
void add_pairs(const op::add_pairs<T>& o) {
  for (dim_t i = 0; i < o.n; ++i) o.to[i] = (o.accumulate ? o.to[i] : 0) + o.scale * o.from[i];
}

// For sources that check_assignment lets pass. room: as assign_few() needs it.
template <class T>
AVSS_HOST_DEVICE void choose_sources_of_item(const op::choose_sources<T>& o, dim_t b, assignment_room* room) {
  std::int32_t* chosen = o.permutation + b * o.sources;
  for (dim_t j = 0; j < o.sources; ++j) chosen[j] = static_cast<std::int32_t>(j);
  assign_few(o.sources, o.pairs + b * o.sources * o.sources, chosen, room);
}

template <class T>
void choose_sources(const op::choose_sources<T>& o) {
  check_assignment(o.sources);
  assignment_room room;
  for (dim_t b = 0; b < o.batch; ++b) choose_sources_of_item(o, b, &room);
}

template <class T>
void place_permutation(const op::place_permutation<T>& o) {
  const dim_t n = o.batch * o.sources;
  for (dim_t i = 0; i < o.slots * n; ++i) o.to[o.slot * n + i] = o.permutation[i % n];
}

template <class T>
void permute_sources_row(const op::permute_sources<T>& o, dim_t r) {
  const dim_t there = r - r % o.sources + o.permutation[r];
  const T* from = o.from + (o.back ? r : there) * o.length;
  T* to = o.to + (o.back ? there : r) * o.length;
  for (dim_t t = 0; t < o.length; ++t) to[t] = o.accumulate ? to[t] + from[t] : from[t];
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::distance<T>& o, void*) {
  for (dim_t i = 0; i < o.batch * o.sources * o.sources; ++i) ref::distance_entry(o, i);
}
template <class T>
void execute(reference<T>&, const op::distance_gradient<T>& o, void*) {
  for (dim_t r = 0; r < o.batch * o.sources; ++r) ref::distance_gradient_row(o, r);
}
template <class T>
void execute(reference<T>&, const op::pair_mean<T>& o, void*) {
  ref::pair_mean(o);
}
template <class T>
void execute(reference<T>&, const op::add_pairs<T>& o, void*) {
  ref::add_pairs(o);
}
template <class T>
void execute(reference<T>&, const op::choose_sources<T>& o, void*) {
  ref::choose_sources(o);
}
template <class T>
void execute(reference<T>&, const op::place_permutation<T>& o, void*) {
  ref::place_permutation(o);
}
template <class T>
void execute(reference<T>&, const op::permute_sources<T>& o, void*) {
  for (dim_t r = 0; r < o.batch * o.sources; ++r) ref::permute_sources_row(o, r);
}
template <class T>
void execute(reference<T>&, const op::clear<T>& o, void*) {
  for (dim_t i = 0; i < o.n; ++i) o.to[i] = 0;
}

}  // namespace avss
