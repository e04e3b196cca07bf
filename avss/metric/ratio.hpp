// Energy ratios between an estimate and its target in dB, in double, with torchmetrics' definitions:
//   SNR     10 log10 (|t|^2 + eps) / (|t - e|^2 + eps)
//   SI-SDR  10 log10 (|a t|^2 + eps) / (|a t - e|^2 + eps),  a = (<e, t> + eps) / (|t|^2 + eps)
//   SI-SNR  SI-SDR of e and t less their means
// eps = 2^-52. (Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019.)
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <cmath>
#include <limits>
#include <span>

namespace avss {

// Whether a ratio tells something. Values come with every status: a batch goes on, and its mean leaves them out.
enum class ratio_status {
  measured,
  silent_target,    // all zero or, less its mean, constant; the value is the formula's (a number made by eps)
  silent_estimate,  // the same of the estimate
  not_finite,       // a NaN or an infinity, or an overflow of the energies: the value is NaN
  empty,            // no samples: the value is NaN
  too_short,        // for this metric; the value is what its reference implementation gives
  not_installed,    // what measures it is not there: the value is NaN
  no_score          // what measures it gave none: the value is NaN
};

constexpr const char* name_of(ratio_status s) {
  constexpr const char* names[] = {"measured", "silent target", "silent estimate", "not finite",
                                   "empty",    "too short",     "not installed",   "no score"};
  return names[static_cast<int>(s)];
}

struct ratio {
  double value = std::numeric_limits<double>::quiet_NaN();  // dB
  ratio_status status = ratio_status::empty;
};

// The ratios of one pair of signals of any length, given twice, block by block: first all blocks to observe(), then the
// same to resolve(). The second pass sums the residual itself: taken from the first pass's energies it would lose all
// digits of a good estimate.
class pair_meter {
 public:
  template <class T>
  void observe(std::span<const T> estimate, std::span<const T> target) {
    check(estimate.size(), target.size());
    if (estimate.empty()) return;
    if (count_ == 0) offset_e_ = estimate[0], offset_t_ = target[0];  // a constant signal then has exactly no variance
    const double n = static_cast<double>(estimate.size());
    double sum_e = 0, sum_t = 0;
    for (std::size_t i = 0; i < estimate.size(); ++i) {
      const double e = estimate[i], t = target[i];
      sum_e += e - offset_e_, sum_t += t - offset_t_;
      raw_.tt += t * t, raw_.et += e * t, raw_.ee += e * e;
    }
    const double block_e = sum_e / n, block_t = sum_t / n;
    for (std::size_t i = 0; i < estimate.size(); ++i) {
      const double e = (estimate[i] - offset_e_) - block_e, t = (target[i] - offset_t_) - block_t;
      centred_.tt += t * t, centred_.et += e * t, centred_.ee += e * e;
    }
    // Moments of two parts joined (Chan, Golub and LeVeque 1979).
    const double before = static_cast<double>(count_), share = n / (before + n);
    const double step_e = block_e - mean_e_, step_t = block_t - mean_t_;
    centred_.tt += step_t * step_t * before * share;
    centred_.et += step_e * step_t * before * share;
    centred_.ee += step_e * step_e * before * share;
    mean_e_ += step_e * share, mean_t_ += step_t * share;
    count_ += static_cast<dim_t>(estimate.size());
  }

  template <class T>
  void resolve(std::span<const T> estimate, std::span<const T> target) {
    check(estimate.size(), target.size());
    const double scale = scale_of(raw_), centred_scale = scale_of(centred_);
    for (std::size_t i = 0; i < estimate.size(); ++i) {
      const double e = estimate[i], t = target[i];
      const double e0 = (e - offset_e_) - mean_e_, t0 = (t - offset_t_) - mean_t_;
      const double r[] = {scale * t - e, centred_scale * t0 - e0, t - e, t0 - e0};
      scaled_residual_ += r[0] * r[0], centred_scaled_residual_ += r[1] * r[1];
      residual_ += r[2] * r[2], centred_residual_ += r[3] * r[3];
    }
  }

  ratio si_snr() const { return si_sdr(true); }
  ratio si_sdr(bool zero_mean = false) const {
    const moments& m = zero_mean ? centred_ : raw_;
    const double a = scale_of(m);
    return make(m, a * a * m.tt, zero_mean ? centred_scaled_residual_ : scaled_residual_);
  }
  ratio snr(bool zero_mean = false) const {
    const moments& m = zero_mean ? centred_ : raw_;
    return make(m, m.tt, zero_mean ? centred_residual_ : residual_);
  }

 private:
  static constexpr double eps = std::numeric_limits<double>::epsilon();

  struct moments {
    double ee = 0, et = 0, tt = 0;
  };

  static double scale_of(const moments& m) { return (m.et + eps) / (m.tt + eps); }

  static void check(std::size_t estimate, std::size_t target) {
    if (estimate != target)
      fail("an estimate of ", estimate, " samples cannot be measured against a target of ", target, "; make them equally long");
  }

  ratio make(const moments& m, double signal, double residual) const {
    if (count_ == 0) return {};
    const double value = 10 * std::log10((signal + eps) / (residual + eps));
    if (!std::isfinite(m.ee) || !std::isfinite(m.tt) || !std::isfinite(value))
      return {std::numeric_limits<double>::quiet_NaN(), ratio_status::not_finite};
    const ratio_status status = m.tt == 0   ? ratio_status::silent_target
                                : m.ee == 0 ? ratio_status::silent_estimate
                                            : ratio_status::measured;
    return {value, status};
  }

  dim_t count_ = 0;
  double offset_e_ = 0, offset_t_ = 0;  // the first samples
  double mean_e_ = 0, mean_t_ = 0;      // beyond the offsets
  moments raw_, centred_;
  double scaled_residual_ = 0, centred_scaled_residual_ = 0, residual_ = 0, centred_residual_ = 0;
};

namespace detail {

template <class T>
pair_meter measure_pair(std::span<const T> estimate, std::span<const T> target) {
  pair_meter meter;
  meter.observe(estimate, target);
  meter.resolve(estimate, target);
  return meter;
}

}  // namespace detail

// Whole signals of one length, T is float or double. Throws error only if the lengths differ.
template <class T>
ratio measure_si_snr(std::span<const T> estimate, std::span<const T> target) {
  return detail::measure_pair(estimate, target).si_snr();
}
template <class T>
ratio measure_si_sdr(std::span<const T> estimate, std::span<const T> target, bool zero_mean = false) {
  return detail::measure_pair(estimate, target).si_sdr(zero_mean);
}
template <class T>
ratio measure_snr(std::span<const T> estimate, std::span<const T> target, bool zero_mean = false) {
  return detail::measure_pair(estimate, target).snr(zero_mean);
}

}  // namespace avss
