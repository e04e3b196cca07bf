// Change of the sample rate by windowed-sinc interpolation, equal to torchaudio.functional.resample's default
// (sinc_interp_hann, lowpass_filter_width 6, rolloff 0.99; J. O. Smith, "Digital Audio Resampling").
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

namespace avss {

// Samples that `length` samples at rate `from` become at rate `to`: ceil(length to / from). 0 for rates that are none.
constexpr dim_t resampled_length(dim_t length, dim_t from, dim_t to) {
  if (from <= 0 || to <= 0) return 0;
  const dim_t common = std::gcd(from, to);
  const dim_t o = from / common, n = to / common;
  return length / o * n + (length % o * n + o - 1) / o;  // split, so that the product cannot overflow
}

// One channel, block by block; the signal is silent before its beginning and after its end. Holds about
// 12 max(1, from / to) samples and a table of the taps of every phase. Not for concurrent use.
template <class T>
class resampler {
  static_assert(std::is_floating_point_v<T>, "avss: samples to resample are float or double");

 public:
  resampler(dim_t from, dim_t to) {
    if (from <= 0 || to <= 0) fail("cannot resample from ", from, " Hz to ", to, " Hz: rates are positive");
    const dim_t common = std::gcd(from, to);
    o_ = from / common, n_ = to / common;
    cutoff_ = static_cast<double>(std::min(o_, n_)) * rolloff;
    width_ = static_cast<dim_t>(std::ceil(lobes * static_cast<double>(o_) / cutoff_));
    taps_ = static_cast<std::size_t>(2 * width_ + 1);
    if (o_ == n_) return;
    // Rates with a small common divisor have many phases: past 32 MiB a row is made each time it is needed.
    tabled_ = static_cast<std::size_t>(n_) <= max_table / taps_;
    table_.resize(tabled_ ? static_cast<std::size_t>(n_) * taps_ : taps_);
    if (tabled_)
      for (dim_t phase = 0; phase < n_; ++phase) make_row(phase, table_.data() + static_cast<std::size_t>(phase) * taps_);
    reset();
  }

  // Forgets the signal so far.
  void reset() {
    history_.assign(o_ == n_ ? 0 : static_cast<std::size_t>(width_), T(0));
    start_ = -width_, received_ = produced_ = 0;
  }

  // Appends to `out` all samples that no later input can change.
  void push(std::span<const T> in, std::vector<T>& out) {
    received_ += static_cast<dim_t>(in.size());
    if (o_ == n_) {
      out.insert(out.end(), in.begin(), in.end());
      return;
    }
    while (!in.empty()) {
      const std::size_t count = std::min(in.size(), slice);
      history_.insert(history_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
      in = in.subspan(count);
      produce(resampled_length(received_, o_, n_), out);
    }
  }

  // Appends the rest: ceil(length to / from) samples have then come out. Ready for the next signal afterwards.
  void finish(std::vector<T>& out) {
    if (o_ != n_) {
      history_.resize(history_.size() + taps_, T(0));
      produce(resampled_length(received_, o_, n_), out);
    }
    reset();
  }

 private:
  static constexpr double lobes = 6, rolloff = 0.99;
  static constexpr std::size_t max_table = std::size_t{1} << 22, slice = 1 << 14;

  // Input that the first tap of a phase is multiplied with, relative to the beginning of its period.
  dim_t first_input(dim_t phase) const { return phase * o_ / n_ - width_; }

  void make_row(dim_t phase, double* row) const {
    const double o = static_cast<double>(o_), n = static_cast<double>(n_);
    for (std::size_t i = 0; i < taps_; ++i) {
      const double at = static_cast<double>(first_input(phase) + static_cast<dim_t>(i));
      const double t = std::clamp((-static_cast<double>(phase) / n + at / o) * cutoff_, -lobes, lobes);
      const double hann = std::cos(t * std::numbers::pi / lobes / 2);
      const double angle = t * std::numbers::pi;
      row[i] = std::abs(t) == lobes ? 0 : (t == 0 ? 1 : std::sin(angle) / angle) * hann * hann * cutoff_ / o;
    }
  }

  void produce(dim_t limit, std::vector<T>& out) {
    const dim_t available = start_ + static_cast<dim_t>(history_.size());
    for (; produced_ < limit; ++produced_) {
      const dim_t phase = produced_ % n_, from = produced_ / n_ * o_ + first_input(phase);
      if (from + static_cast<dim_t>(taps_) > available) break;
      const double* row = table_.data();
      if (tabled_)
        row += static_cast<std::size_t>(phase) * taps_;
      else
        make_row(phase, table_.data());
      const T* x = history_.data() + (from - start_);
      double sum = 0;
      for (std::size_t i = 0; i < taps_; ++i) sum += row[i] * static_cast<double>(x[i]);
      out.push_back(static_cast<T>(sum));
    }
    const dim_t needed = produced_ / n_ * o_ + first_input(produced_ % n_);
    const dim_t spent = std::clamp<dim_t>(needed - start_, 0, static_cast<dim_t>(history_.size()));
    history_.erase(history_.begin(), history_.begin() + spent);
    start_ += spent;
  }

  dim_t o_ = 1, n_ = 1, width_ = 0;  // reduced rates, half the taps
  double cutoff_ = 0;                // of the low pass, in units of the common divisor
  std::size_t taps_ = 0;
  bool tabled_ = false;
  std::vector<double> table_;  // [phases][taps]
  std::vector<T> history_;     // inputs that later outputs need
  dim_t start_ = 0;            // the index of the first of them
  dim_t received_ = 0, produced_ = 0;
};

// A whole signal.
template <class T>
std::vector<T> resample(std::span<const T> x, dim_t from, dim_t to) {
  resampler<T> r(from, to);
  std::vector<T> y;
  y.reserve(static_cast<std::size_t>(resampled_length(static_cast<dim_t>(x.size()), from, to)));
  r.push(x, y);
  r.finish(y);
  return y;
}

}  // namespace avss
