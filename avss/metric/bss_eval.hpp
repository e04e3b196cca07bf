// BSS-eval: SDR, SIR and SAR of estimates whose targets may have passed a filter of 512 taps (Vincent, Gribonval and Fevotte,
// "Performance measurement in blind audio source separation", IEEE TASLP 2006), in double, equal to mir_eval's
// bss_eval_sources, fast_bss_eval and torchmetrics' signal_distortion_ratio. With P_t e the part of the estimate in the span
// of its target's delays by 0 .. 511 samples and P e that in the span of all targets' delays:
//   SDR  10 log10 |P_t e|^2 / |e - P_t e|^2
//   SIR  10 log10 |P_t e|^2 / |P e - P_t e|^2
//   SAR  10 log10 |P e|^2 / |e - P e|^2
// Each of these energies, relative to |e|^2, is at least 2^-52 here: no value is beyond 157 dB.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/dsp/lanes.hpp>
#include <avss/metric/block_toeplitz.hpp>
#include <avss/metric/lag_correlation.hpp>
#include <avss/metric/ratio.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace avss {

// All estimates of one item, the mixture among them if that is wanted, against all its targets. What several numbers need is
// computed once, when the first of them is asked for. Not for concurrent use.
class bss_eval {
 public:
  static constexpr std::size_t taps = lag_correlation::lags;

  // Signals of one length, T is float or double. Throws error where lengths differ.
  template <class T>
  bss_eval(std::span<const std::span<const T>> targets, std::span<const std::span<const T>> estimates)
      : targets_(targets.size()), estimates_(estimates.size()), own_(targets_) {
    std::vector<std::span<const T>> all(targets.begin(), targets.end());
    all.insert(all.end(), estimates.begin(), estimates.end());
    if (targets.empty()) fail("an estimate cannot be measured against no target");
    for (const std::span<const T>& s : all) {
      if (s.size() != all[0].size())
        fail("an estimate of ", s.size(), " samples cannot be measured against a target of ", all[0].size(),
             "; make them equally long");
      energy_.push_back(energy_of(s));
    }
    samples_ = all[0].size();
    // What is broken would spoil the transforms that it shares with the others.
    const std::vector<T> silence(samples_);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (!std::isfinite(energy_[i])) all[i] = silence;
    if (samples_ > 0) correlation_.emplace(std::span<const std::span<const T>>(all), targets_);
  }

  ratio sdr(std::size_t estimate, std::size_t target) {
    return make(estimate, target, false, [&] { return decibels(own(estimate, target), 1 - own(estimate, target)); });
  }
  // Silent targets are no interference; one that is not finite leaves nothing to be said.
  ratio sir(std::size_t estimate, std::size_t target) {
    return make(estimate, target, true,
                [&] { return decibels(own(estimate, target), joint(estimate) - own(estimate, target)); });
  }
  // The same for every target.
  ratio sar(std::size_t estimate, std::size_t target) {
    return make(estimate, target, true, [&] { return decibels(joint(estimate), 1 - joint(estimate)); });
  }

 private:
  static double decibels(double part, double rest) {
    constexpr double least = std::numeric_limits<double>::epsilon();
    return 10 * std::log10(std::max(part, least) / std::max(rest, least));
  }

  // Not finite where a sample is not.
  template <class T>
  static double energy_of(std::span<const T> x) {
    std::array<double, lanes::width> sums{};
    std::size_t n = 0;
    for (; n + lanes::width <= x.size(); n += lanes::width)
      for (std::size_t i = 0; i < lanes::width; ++i) sums[i] += static_cast<double>(x[n + i]) * static_cast<double>(x[n + i]);
    double energy = lanes::total(lanes::load(sums.data()));
    for (; n < x.size(); ++n) energy += static_cast<double>(x[n]) * static_cast<double>(x[n]);
    return energy;
  }
  double energy_of_estimate(std::size_t e) const { return energy_[targets_ + e]; }

  template <class F>
  ratio make(std::size_t e, std::size_t t, bool all_targets, F&& value) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (samples_ == 0) return {};
    const auto broken = [](double energy) { return !std::isfinite(energy); };
    if (broken(energy_[t]) || broken(energy_of_estimate(e)) ||
        (all_targets && std::any_of(energy_.begin(), energy_.begin() + static_cast<std::ptrdiff_t>(targets_), broken)))
      return {nan, ratio_status::not_finite};
    const double v = value();
    if (energy_[t] == 0) return {v, ratio_status::silent_target};
    if (energy_of_estimate(e) == 0) return {v, ratio_status::silent_estimate};
    return {v, samples_ < taps ? ratio_status::too_short : ratio_status::measured};
  }

  // |P_t e|^2 / |e|^2
  double own(std::size_t estimate, std::size_t target) {
    if (own_[target].empty()) own_[target] = span_of({target});
    return own_[target][estimate];
  }
  // |P e|^2 / |e|^2
  double joint(std::size_t estimate) {
    if (joint_.empty()) {
      std::vector<std::size_t> sounding;
      for (std::size_t t = 0; t < targets_; ++t)
        if (energy_[t] > 0) sounding.push_back(t);
      joint_ = sounding.size() == 1 ? (own(0, sounding[0]), own_[sounding[0]]) : span_of(sounding);
    }
    return joint_[estimate];
  }

  // Of each estimate, the share of its energy in the span of those targets' delays.
  std::vector<double> span_of(const std::vector<std::size_t>& which) const {
    std::vector<double> inside(estimates_, 0.);
    if (which.empty() || energy_[which[0]] == 0) return inside;
    const auto scale = [&](std::size_t signal) { return energy_[signal] > 0 ? 1 / std::sqrt(energy_[signal]) : 0; };
    const block_toeplitz products(which.size(), taps, [&](std::size_t i, std::size_t j) {
      return scaled((*correlation_)(which[i], which[j]), scale(which[i]) * scale(which[j]));
    });
    std::vector<double> sides;  // [estimates][which][taps]
    for (std::size_t e = 0; e < estimates_; ++e)
      for (const std::size_t t : which) {
        const auto c = scaled((*correlation_)(t, targets_ + e), scale(t) * scale(targets_ + e));
        sides.insert(sides.end(), c.begin(), c.end());
      }
    energy_in_span(products, estimates_, sides.data(), inside);
    return inside;
  }

  static std::vector<double> scaled(std::span<const double> x, double by) {
    std::vector<double> y(x.begin(), x.end());
    for (double& v : y) v *= by;
    return y;
  }

  std::size_t targets_, estimates_, samples_ = 0;
  std::vector<double> energy_;  // of targets, then estimates
  std::optional<lag_correlation> correlation_;
  std::vector<std::vector<double>> own_;  // [target][estimate], empty until asked for
  std::vector<double> joint_;             // [estimate], the same
};

}  // namespace avss
