// Change of the sample rate as GNU Octave's `resample` does it, which the reference of STOI insists on: a linear-phase Kaiser
// low pass of 60 dB through a polyphase filter (equal to pystoi's resample_oct, that is scipy.signal.resample_poly).
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/dsp/lanes.hpp>
#include <avss/dsp/resample.hpp>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// From one rate to another. May be used by several threads at once.
class octave_resampler {
 public:
  octave_resampler(dim_t from, dim_t to) {
    if (from <= 0 || to <= 0) fail("cannot resample from ", from, " Hz to ", to, " Hz: rates are positive");
    const dim_t common = std::gcd(from, to);
    down_ = from / common, up_ = to / common;
    if (up_ != down_) make_taps();
  }

  // ceil(n to / from) samples in double; the signal is silent before its beginning and after its end.
  template <class T>
  std::vector<double> operator()(std::span<const T> x) const {
    if (up_ == down_) return {x.begin(), x.end()};
    const std::size_t margin = row_;
    std::vector<double> padded(x.size() + 2 * margin);
    for (std::size_t i = 0; i < x.size(); ++i) padded[margin + i] = static_cast<double>(x[i]);
    std::vector<double> y(static_cast<std::size_t>(resampled_length(static_cast<dim_t>(x.size()), down_, up_)));
    for (std::size_t m = 0; m < y.size(); ++m) {
      // y[m] = sum of h[m down - n up] x[n] over the n for which |m down - n up| <= half
      const dim_t at = static_cast<dim_t>(m) * down_;
      const dim_t last = (at + half_) / up_, first = last - static_cast<dim_t>(row_) + 1;
      const double* taps = taps_.data() + static_cast<std::size_t>(at % up_) * row_;
      y[m] = lanes::dot(taps, padded.data() + first + static_cast<dim_t>(margin), row_);
    }
    return y;
  }

 private:
  // The modified Bessel function of order 0, by its power series: all terms are positive.
  static double bessel_i0(double x) {
    double term = 1, sum = 1;
    for (int k = 1; term > sum * 1e-17; ++k) term *= (x / 2 / k) * (x / 2 / k), sum += term;
    return sum;
  }

  void make_taps() {
    constexpr double rejection = 60, beta = 0.1102 * (rejection - 8.7);  // dB, and Kaiser's parameter for it
    const double cutoff = 1 / (2 * static_cast<double>(std::max(up_, down_)));
    half_ = static_cast<dim_t>(std::ceil((rejection - 8) / (28.714 * (cutoff / 10))));
    std::vector<double> h(static_cast<std::size_t>(2 * half_ + 1));
    const double half = static_cast<double>(half_), whole = bessel_i0(beta);
    for (dim_t i = -half_; i <= half_; ++i) {
      const double t = static_cast<double>(i), angle = std::numbers::pi * 2 * cutoff * t;
      const double kaiser = bessel_i0(beta * std::sqrt(std::max(0., 1 - (t / half) * (t / half)))) / whole;
      h[static_cast<std::size_t>(i + half_)] = kaiser * (i == 0 ? 1 : std::sin(angle) / angle);
    }
    // Summed up, the taps are to leave the level as it is; scipy multiplies them by `up` for the zeros between samples.
    const double gain = static_cast<double>(up_) / std::accumulate(h.begin(), h.end(), 0.);
    const std::size_t row = static_cast<std::size_t>(2 * half_ / up_ + 1);
    row_ = (row + lanes::width - 1) / lanes::width * lanes::width;  // zeros first
    // The taps of each phase (m down mod up), in the order of the samples that they are multiplied with.
    taps_.assign(static_cast<std::size_t>(up_) * row_, 0);
    for (dim_t phase = 0; phase < up_; ++phase) {
      const dim_t last = (phase + half_) / up_;
      for (std::size_t i = 0; i < row_; ++i) {
        const dim_t tap = phase - (last - static_cast<dim_t>(row_) + 1 + static_cast<dim_t>(i)) * up_;
        if (std::abs(tap) <= half_)
          taps_[static_cast<std::size_t>(phase) * row_ + i] = gain * h[static_cast<std::size_t>(tap + half_)];
      }
    }
  }

  dim_t up_ = 1, down_ = 1;   // reduced rates
  dim_t half_ = 0;            // taps on either side of the middle one, at `up` times the first rate
  std::size_t row_ = 0;       // taps of a phase, a multiple of what is summed at once
  std::vector<double> taps_;  // [phase][row]
};

// The one for two rates, made once and shared.
inline const octave_resampler& octave_resampler_of(dim_t from, dim_t to) {
  static std::mutex mutex;
  static std::map<std::pair<dim_t, dim_t>, std::unique_ptr<const octave_resampler>> made;
  const std::lock_guard lock(mutex);
  auto& r = made[{from, to}];
  if (!r) r = std::make_unique<const octave_resampler>(from, to);
  return *r;
}

}  // namespace avss
