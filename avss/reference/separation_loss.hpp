// Losses of second moments, as plain loops. See op/separation_loss.hpp for the formulas.
#pragma once

#include <algorithm>
#include <avss/core/assignment.hpp>
#include <avss/core/host_device.hpp>
#include <avss/op/separation_loss.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>

namespace avss {
namespace ref {

// The loss of one estimate against one target, and dL/de = on_estimate e + on_target s (e, s without their means).
struct pair_loss {
  double value, on_estimate, on_target;
};

// ee = |e|^2, ss = |s|^2, es = <e,s>, dd = |e - s|^2.
// Finite for a silent target: with both_sides the loss is 10 log10((|e|^2 + eps) / eps) and draws the estimate towards
// silence; with log_argument it is the constant -10 log10(eps) without gradient.
AVSS_HOST_DEVICE inline pair_loss loss_of_pair(const ratio_rule& rule, double ee, double ss, double es, double dd) {
  const double eps = rule.eps;
  const bool both = rule.place == eps_place::both_sides;
  const double k = 10 / std::log(10.0);

  // signal and noise energy, and their derivatives: d_signal = signal_s s, d_noise = 2 e + noise_s s.
  double signal = ss, signal_s = 0, noise = dd, noise_s = -2;
  if (rule.kind == ratio_kind::si_sdr || rule.kind == ratio_kind::sd_sdr) {
    const double alpha = (es + (both ? eps : 0)) / (ss + eps);
    signal = alpha * alpha * ss;
    signal_s = 2 * alpha * ss / (ss + eps);
    if (rule.kind == ratio_kind::si_sdr) {
      // |e - alpha s|^2 from whichever is smaller, |e|^2 or |e - s|^2: that loses fewer digits to the subtraction.
      const double beta = alpha - 1;
      noise = dd < ee ? dd - 2 * beta * (es - ss) + beta * beta * ss : ee - 2 * alpha * es + alpha * alpha * ss;
      if (noise < 0) noise = 0;  // rounding; a NaN passes
      noise_s = -2 * alpha - 2 * (es - alpha * ss) / (ss + eps);
    }
  } else if (rule.kind == ratio_kind::thresholded_snr) {
    noise += rule.floor * ss;
  }

  const double numerator = signal + (both ? eps : 0), denominator = noise + eps;
  const double ratio = numerator / denominator, argument = ratio + (both ? 0 : eps);
  const double outer = -k / (argument * denominator);
  return {-k * std::log(argument), -2 * outer * ratio, outer * (signal_s - ratio * noise_s)};
}

// Of item b: pairs, permutation, coefficient; returns the sum over its targets. room: as assign_few() needs it.
template <class T>
AVSS_HOST_DEVICE double energy_ratio_of_item(const op::energy_ratio<T>& o, dim_t b, assignment_room* room) {
  const dim_t n = o.sources;
  const moment_layout at{n};
  const double* m = o.moments + b * at.size();
  const auto pair = [&](dim_t i, dim_t j) {
    return loss_of_pair(o.rule, m[at.estimate_energy(i)], m[at.target_energy(j)], m[at.product(i, j)], m[at.distance(i, j)]);
  };
  double* cost = o.pairs + b * n * n;
  for (dim_t i = 0; i < n; ++i)
    for (dim_t j = 0; j < n; ++j) cost[i * n + j] = pair(i, j).value;

  std::int32_t* chosen = o.permutation + (o.slot * o.batch + b) * n;
  for (dim_t j = 0; j < n; ++j) chosen[j] = static_cast<std::int32_t>(j);
  if (o.permute) assign_few(n, cost, chosen, room);

  double sum = 0;
  for (dim_t j = 0; j < n; ++j) {
    const dim_t i = chosen[j];
    sum += cost[i * n + j];
    if (!o.coefficient) continue;
    const pair_loss p = pair(i, j);
    const double share = o.weight / static_cast<double>(o.batch * n);
    double* c = o.coefficient + (b * n + j) * 3;
    c[0] = share * p.on_estimate;
    c[1] = share * p.on_target;
    c[2] = -(c[0] * m[at.estimate_mean(i)] + c[1] * m[at.target_mean(j)]);
  }
  return sum;
}

template <class T>
void energy_ratio(const op::energy_ratio<T>& o) {
  if (o.permute) check_assignment(o.sources);
  assignment_room room;
  double sum = 0;
  for (dim_t b = 0; b < o.batch; ++b) sum += energy_ratio_of_item(o, b, &room);
  o.value[o.slot] = sum / static_cast<double>(o.batch * o.sources);
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::pair_moments<T>& o, void*) {
  const dim_t n = o.sources, length = o.length;
  const moment_layout at{n};
  for (dim_t b = 0; b < o.batch; ++b) {
    const T* e = o.estimate + b * n * length;
    const T* s = o.target + b * n * length;
    double* m = o.moments + b * at.size();
    const auto mean = [&](const T* x) {
      double sum = 0;
      for (dim_t t = 0; t < length; ++t) sum += x[t];
      return o.zero_mean ? sum / static_cast<double>(length) : 0;
    };
    for (dim_t i = 0; i < n; ++i) {
      m[at.estimate_mean(i)] = mean(e + i * length);
      m[at.target_mean(i)] = mean(s + i * length);
    }
    std::fill(m + at.estimate_energy(0), m + at.size(), 0.0);
    for (dim_t i = 0; i < n; ++i)
      for (dim_t j = 0; j < n; ++j)
        for (dim_t t = 0; t < length; ++t) {
          const double x = e[i * length + t] - m[at.estimate_mean(i)], y = s[j * length + t] - m[at.target_mean(j)];
          if (j == 0) m[at.estimate_energy(i)] += x * x;
          if (i == 0) m[at.target_energy(j)] += y * y;
          m[at.product(i, j)] += x * y;
          m[at.distance(i, j)] += (x - y) * (x - y);
        }
  }
}

template <class T>
void execute(reference<T>&, const op::energy_ratio<T>& o, void*) {
  ref::energy_ratio(o);
}

template <class T>
void execute(reference<T>&, const op::pair_gradient<T>& o, void*) {
  for (dim_t b = 0; b < o.batch; ++b)
    for (dim_t j = 0; j < o.sources; ++j) {
      const dim_t i = o.permutation[(o.slot * o.batch + b) * o.sources + j];
      const T* e = o.estimate + (b * o.sources + i) * o.length;
      const T* s = o.target + (b * o.sources + j) * o.length;
      T* d = o.d_estimate + (b * o.sources + i) * o.length;
      const double* c = o.coefficient + (b * o.sources + j) * 3;
      for (dim_t t = 0; t < o.length; ++t) {
        const T g = static_cast<T>(c[0] * e[t] + c[1] * s[t] + c[2]);
        d[t] = o.accumulate ? d[t] + g : g;
      }
    }
}

}  // namespace avss
