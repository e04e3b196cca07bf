// SI-SNR, SI-SDR, SD-SDR, SNR and the thresholded SNR as losses: the negative ratio in dB, mean over sources and items.
//
// Formulas: op/separation_loss.hpp; Le Roux et al. 2019 (arXiv:1811.02508). Estimate j belongs to target j; pit{...} chooses.
// A silent target gives a finite loss and gradient: see ref::loss_of_pair.
#pragma once

#include <avss/core/assignment.hpp>
#include <avss/loss/permuted.hpp>
#include <avss/loss/waveforms.hpp>
#include <cmath>
#include <string>

namespace avss {

// Where the small number stands that keeps the ratios finite, and what it is.
struct ratio_eps {
  double value;
  eps_place place;
};
inline constexpr ratio_eps torchmetrics_eps{0x1p-23, eps_place::both_sides};         // of float32 arrays
inline constexpr ratio_eps torchmetrics_double_eps{0x1p-52, eps_place::both_sides};  // of float64 arrays
inline constexpr ratio_eps asteroid_eps{1e-8, eps_place::log_argument};

namespace detail {

// What the values below share.
template <class Loss>
struct energy_ratio_part {
  static constexpr dim_t parts = 1;

  template <class C>
  void run(C& ctx, const waveforms<typename C::T>& w, double weight, dim_t slot, const part_results& results) const {
    const Loss& self = static_cast<const Loss&>(*this);
    run_ratio(ctx, w, self.rule(), self.subtracts_mean(), false, weight, slot, results);
  }
  template <class C>
  void pairs(C& ctx, const waveforms<typename C::T>& w, double scale, bool accumulate, double* out) const {
    using T = typename C::T;
    const Loss& self = static_cast<const Loss&>(*this);
    const auto frame = ctx.frame();
    waveforms<T> values = w;
    values.d_estimate = nullptr;
    const part_results unused{scratch_of<double>(ctx, 1), scratch_of<std::int32_t>(ctx, w.batch * w.sources)};
    const double* from = run_ratio(ctx, values, self.rule(), self.subtracts_mean(), false, 1, 0, unused);
    ctx.run(op::add_pairs<T>{w.batch * w.sources * w.sources, from, scale, accumulate, out});
  }
  template <class F>
  void describe(F&& part, double weight) const {
    part(std::string(Loss::name), weight);
  }
};

}  // namespace detail

// Scale-invariant, signals without their means.
struct si_snr : detail::energy_ratio_part<si_snr> {
  static constexpr const char* name = "si_snr";
  ratio_eps eps = torchmetrics_eps;

  constexpr si_snr() = default;
  constexpr explicit si_snr(ratio_eps e) : eps(e) {}
  constexpr bool subtracts_mean() const { return true; }
  constexpr ratio_rule rule() const { return {ratio_kind::si_sdr, eps.place, eps.value, 0}; }
};

// Scale-invariant.
struct si_sdr : detail::energy_ratio_part<si_sdr> {
  static constexpr const char* name = "si_sdr";
  ratio_eps eps = torchmetrics_eps;
  bool zero_mean = false;

  constexpr si_sdr() = default;
  constexpr explicit si_sdr(ratio_eps e, bool without_mean = false) : eps(e), zero_mean(without_mean) {}
  constexpr bool subtracts_mean() const { return zero_mean; }
  constexpr ratio_rule rule() const { return {ratio_kind::si_sdr, eps.place, eps.value, 0}; }
};

// Scale-dependent: a wrong level counts as noise.
struct sd_sdr : detail::energy_ratio_part<sd_sdr> {
  static constexpr const char* name = "sd_sdr";
  ratio_eps eps = torchmetrics_eps;
  bool zero_mean = false;

  constexpr sd_sdr() = default;
  constexpr explicit sd_sdr(ratio_eps e, bool without_mean = false) : eps(e), zero_mean(without_mean) {}
  constexpr bool subtracts_mean() const { return zero_mean; }
  constexpr ratio_rule rule() const { return {ratio_kind::sd_sdr, eps.place, eps.value, 0}; }
};

struct snr : detail::energy_ratio_part<snr> {
  static constexpr const char* name = "snr";
  ratio_eps eps = torchmetrics_eps;
  bool zero_mean = false;

  constexpr snr() = default;
  constexpr explicit snr(ratio_eps e, bool without_mean = false) : eps(e), zero_mean(without_mean) {}
  constexpr bool subtracts_mean() const { return zero_mean; }
  constexpr ratio_rule rule() const { return {ratio_kind::snr, eps.place, eps.value, 0}; }
};

// SNR whose gradient dies out above max_db, as in MixIT (Wisdom et al. 2020, arXiv:2006.12701, equation 2).
struct thresholded_snr : detail::energy_ratio_part<thresholded_snr> {
  static constexpr const char* name = "thresholded_snr";
  double max_db = 30;
  ratio_eps eps = torchmetrics_eps;
  bool zero_mean = false;

  constexpr thresholded_snr() = default;
  constexpr explicit thresholded_snr(double limit, ratio_eps e = torchmetrics_eps, bool without_mean = false)
      : max_db(limit), eps(e), zero_mean(without_mean) {}
  constexpr bool subtracts_mean() const { return zero_mean; }
  ratio_rule rule() const { return {ratio_kind::thresholded_snr, eps.place, eps.value, std::pow(10, -max_db / 10)}; }
};

// Permutation-invariant training (Kolbaek et al. 2017, arXiv:1703.06284): each item's estimates are assigned to its targets so
// that the mean loss is least, of a sum by the whole sum; of equal assignments the first in lexicographic order (up to 6
// sources). At most 32 sources.
template <class Loss>
struct pit {
  static constexpr dim_t parts = Loss::parts;
  Loss loss;

  constexpr explicit pit(Loss l) : loss(l) {}

  template <class C>
  void run(C& ctx, const waveforms<typename C::T>& w, double weight, dim_t slot, const part_results& results) const {
    if constexpr (requires { loss.rule(); }) {  // its gradient is a function of the same moments
      if (w.sources > max_assignment) fail("a permutation of ", w.sources, " sources is asked for; at most ", max_assignment);
      run_ratio(ctx, w, loss.rule(), loss.subtracts_mean(), true, weight, slot, results);
    } else {
      run_permuted(ctx, loss, parts, w, weight, slot, results);
    }
  }
  template <class F>
  void describe(F&& part, double weight) const {
    loss.describe([&](const std::string& name, double w) { part("pit_" + name, w); }, weight);
  }
};

}  // namespace avss
