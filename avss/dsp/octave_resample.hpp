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
    std::vector<double> y(static_cast<std::size_t>(resampled_length(static_cast<dim_t>(x.size()), down_, up_)));
    const dim_t outputs = (static_cast<dim_t>(y.size()) + up_ - 1) / up_;  // of a phase
    const deal input(x, *this, outputs);
    for (dim_t g = 0; g < groups(); ++g) {
      const std::vector<dim_t> places = input.places(first_[static_cast<std::size_t>(g)] + margin_, window_);
      for (dim_t k = 0; k < outputs; k += at_once) make(g, k, input.at.data() + k, places, y);
    }
    return y;
  }

 private:
  // Output r + k up is a sum of taps[r] times the inputs from first_r + k down on. Phases are made several at a time, of each
  // several outputs: an input that is loaded serves all those phases, a tap all those outputs.
  static constexpr dim_t phases = 5, vectors = 2, at_once = vectors * static_cast<dim_t>(lanes::width);

  // The signal's samples, dealt into `down` rows: what outputs of one phase take lies side by side.
  struct deal {
    template <class T>
    deal(std::span<const T> x, const octave_resampler& r, dim_t outputs) : down(r.down_) {
      // Of an odd number of cache lines, so that rows do not compete for the same ones.
      columns = ((outputs + at_once + (r.margin_ + r.window_) / down + 2) / 8 | 1) * 8 + 16;
      columns = (columns / 8 | 1) * 8;
      at.assign(static_cast<std::size_t>(down * columns), 0);
      dim_t q = r.margin_ % down, j = r.margin_ / down;
      for (const T v : x) {
        at[static_cast<std::size_t>(q * columns + j)] = static_cast<double>(v);
        if (++q == down) q = 0, ++j;
      }
    }
    // Where the first outputs of a phase find n samples from `from` on.
    std::vector<dim_t> places(dim_t from, dim_t n) const {
      std::vector<dim_t> all(static_cast<std::size_t>(n));
      for (dim_t i = 0; i < n; ++i) all[static_cast<std::size_t>(i)] = (from + i) % down * columns + (from + i) / down;
      return all;
    }
    dim_t down, columns = 0;
    std::vector<double> at;  // [down][columns]
  };

  dim_t groups() const { return (up_ + phases - 1) / phases; }

  // Outputs k, k + 1, ... of the phases of a group.
  void make(dim_t g, dim_t k, const double* x, const std::vector<dim_t>& places, std::vector<double>& y) const {
    lanes::vec sum[phases][vectors] = {};
    const double* taps = taps_.data() + static_cast<std::size_t>(g * window_ * phases);
    for (const dim_t place : places) {
      lanes::vec in[vectors];
      for (dim_t v = 0; v < vectors; ++v) in[v] = lanes::load(x + place + v * static_cast<dim_t>(lanes::width));
      for (dim_t r = 0; r < phases; ++r)
        for (dim_t v = 0; v < vectors; ++v) sum[r][v] += taps[r] * in[v];
      taps += phases;
    }
    for (dim_t r = 0; r < phases && g * phases + r < up_; ++r)
      for (dim_t l = 0; l < at_once; ++l) {
        const dim_t m = g * phases + r + (k + l) * up_;
        if (m < static_cast<dim_t>(y.size()))
          y[static_cast<std::size_t>(m)] = sum[r][l / static_cast<dim_t>(lanes::width)][l % static_cast<dim_t>(lanes::width)];
      }
  }

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
    // Inputs that phase r takes: first_of(r) to first_of(r) + row - 1.
    const dim_t row = 2 * half_ / up_ + 1;
    const auto first_of = [&](dim_t r) { return (r * down_ + half_) / up_ - row + 1; };
    window_ = row + (phases - 1) * down_ / up_ + 2;
    margin_ = row + 1;
    taps_.assign(static_cast<std::size_t>(groups() * window_ * phases), 0);
    for (dim_t r = 0; r < up_; ++r) {
      const dim_t g = r / phases;
      if (r % phases == 0) first_.push_back(first_of(r) - 1);
      for (dim_t i = 0; i < window_; ++i) {
        const dim_t tap = r * down_ - (first_[static_cast<std::size_t>(g)] + i) * up_;
        if (std::abs(tap) <= half_)
          taps_[static_cast<std::size_t>((g * window_ + i) * phases + r % phases)] =
              gain * h[static_cast<std::size_t>(tap + half_)];
      }
    }
  }

  dim_t up_ = 1, down_ = 1;   // reduced rates
  dim_t half_ = 0;            // taps on either side of the middle one, at `up` times the first rate
  dim_t window_ = 0;          // inputs that the phases of a group take
  dim_t margin_ = 0;          // silent samples before the signal
  std::vector<dim_t> first_;  // [groups] of them, for output k = 0
  std::vector<double> taps_;  // [groups][window][phases]
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
