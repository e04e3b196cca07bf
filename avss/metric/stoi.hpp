// Short-time objective intelligibility, from 0 to 1 for speech, equal to pystoi:
//   STOI   Taal, Hendriks, Heusdens and Jensen, IEEE TASLP 2011
//   ESTOI  Jensen and Taal, IEEE/ACM TASLP 2016, without the noise of 2^-52 that pystoi adds: 1e-12 of a result
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/dsp/lanes.hpp>
#include <avss/dsp/octave_resample.hpp>
#include <avss/metric/ratio.hpp>
#include <avss/metric/third_octave.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace avss {

namespace detail {

using lanes::vec;
using third_octave::band_frame;

inline constexpr std::size_t stoi_frames = 30;  // 384 ms: of one segment

inline vec square_root(vec v) {
  for (std::size_t i = 0; i < lanes::width; ++i) v[i] = std::sqrt(v[i]);
  return v;
}

// Eight bands of one segment: the sum of their correlations, the estimate brought to the target's level and limited to 15 dB
// above it.
inline double stoi_segment(const band_frame* x, const band_frame* y, std::size_t half) {
  constexpr double eps = std::numeric_limits<double>::epsilon(), n = stoi_frames;
  static const double limit = 1 + std::pow(10., 15. / 20);
  vec xx{}, yy{};
  for (std::size_t i = 0; i < stoi_frames; ++i)
    xx += x[i].half[half] * x[i].half[half], yy += y[i].half[half] * y[i].half[half];
  const vec gain = square_root(xx) / (square_root(yy) + eps);
  std::array<vec, stoi_frames> z;
  vec sum_x{}, sum_z{};
  for (std::size_t i = 0; i < stoi_frames; ++i) {
    const vec level = y[i].half[half] * gain, most = x[i].half[half] * limit;
    z[i] = level < most ? level : most;
    sum_x += x[i].half[half], sum_z += z[i];
  }
  const vec mean_x = sum_x / n, mean_z = sum_z / n;
  vec xz{}, zz{};
  xx = vec{};
  for (std::size_t i = 0; i < stoi_frames; ++i) {
    const vec a = x[i].half[half] - mean_x, b = z[i] - mean_z;
    xx += a * a, zz += b * b, xz += a * b;
  }
  return lanes::total(xz / ((square_root(xx) + eps) * (square_root(zz) + eps)));
}

// A segment whose bands are centred and normed over time, then its frames over the bands; what has no variance is zero.
inline std::array<band_frame, stoi_frames> normed_segment(const band_frame* x) {
  std::array<band_frame, stoi_frames> s;
  for (std::size_t half = 0; half < 2; ++half) {
    vec sum{}, energy{};
    for (std::size_t i = 0; i < stoi_frames; ++i) sum += x[i].half[half];
    const vec mean = sum / static_cast<double>(stoi_frames);
    for (std::size_t i = 0; i < stoi_frames; ++i) {
      s[i].half[half] = x[i].half[half] - mean;
      energy += s[i].half[half] * s[i].half[half];
    }
    const vec norm = square_root(energy), scale = energy > vec{} ? 1 / norm : vec{};
    for (std::size_t i = 0; i < stoi_frames; ++i) s[i].half[half] *= scale;
  }
  for (band_frame& f : s) {
    const double mean = (lanes::total(f.half[0]) + lanes::total(f.half[1])) / third_octave::bands;
    f.half[0] -= mean, f.half[1] -= mean;
    f.half[1][lanes::width - 1] = 0;  // no band
    const double energy = lanes::total(f.half[0] * f.half[0] + f.half[1] * f.half[1]);
    const double scale = energy > 0 ? 1 / std::sqrt(energy) : 0;
    f.half[0] *= scale, f.half[1] *= scale;
  }
  return s;
}

inline double estoi_segment(const band_frame* x, const band_frame* y) {
  const auto a = normed_segment(x), b = normed_segment(y);
  vec sum{};
  for (std::size_t i = 0; i < stoi_frames; ++i) sum += a[i].half[0] * b[i].half[0] + a[i].half[1] * b[i].half[1];
  return lanes::total(sum) / static_cast<double>(stoi_frames);
}

}  // namespace detail

// All estimates of one item, the mixture among them if that is wanted, against all its targets. What several numbers need is
// computed once, when the first of them is asked for. Holds copies of no signal but those resampled; not for concurrent use.
template <class T>
class stoi_eval {
 public:
  // Signals of one length, T is float or double, which must live on. `rate` in Hz. Throws error where lengths differ.
  stoi_eval(int rate, std::span<const std::span<const T>> targets, std::span<const std::span<const T>> estimates)
      : rate_(rate), targets_(targets.size()), estimates_(estimates.size()), pairs_(targets_ * estimates_), own_(targets_) {
    if (rate <= 0) fail("STOI at ", rate, " Hz: rates are positive");
    for (const auto& part : {targets, estimates})
      for (const std::span<const T>& s : part) {
        if (s.size() != part[0].size() || s.size() != targets[0].size())
          fail("an estimate of ", s.size(), " samples cannot be measured against a target of ", targets[0].size(),
               "; make them equally long");
        signals_.push_back({s, condition_of(s), {}});
      }
  }

  ratio stoi(std::size_t estimate, std::size_t target) {
    return make(estimate, target, [](const auto* x, const auto* y) {
      return (detail::stoi_segment(x, y, 0) + detail::stoi_segment(x, y, 1)) / third_octave::bands;
    });
  }
  ratio estoi(std::size_t estimate, std::size_t target) { return make(estimate, target, detail::estoi_segment); }

 private:
  using spectrum = lanes::array_of<third_octave::band_frame>;
  enum class condition { varied, constant, not_finite };

  struct signal {
    std::span<const T> samples;
    condition state;
    std::vector<double> resampled;
  };
  struct target_frames {
    std::vector<std::size_t> kept;
    spectrum bands;
  };

  static condition condition_of(std::span<const T> s) {
    bool varied = false;
    for (const T v : s) {
      if (!std::isfinite(v)) return condition::not_finite;
      varied = varied || v != s[0];
    }
    return varied ? condition::varied : condition::constant;
  }

  template <class F>
  ratio make(std::size_t e, std::size_t t, F&& of_segment) {
    signal &target = signals_[t], &estimate = signals_[targets_ + e];
    if (target.samples.empty()) return {};
    if (target.state == condition::not_finite || estimate.state == condition::not_finite)
      return {std::numeric_limits<double>::quiet_NaN(), ratio_status::not_finite};
    const ratio_status status = target.state == condition::constant     ? ratio_status::silent_target
                                : estimate.state == condition::constant ? ratio_status::silent_estimate
                                                                        : ratio_status::measured;
    const spectrum &x = frames_of(t).bands, &y = pair(e, t);
    if (x.size() < detail::stoi_frames) return {1e-5, status == ratio_status::measured ? ratio_status::too_short : status};
    const std::size_t segments = x.size() - detail::stoi_frames + 1;
    double sum = 0;
    for (std::size_t m = 0; m < segments; ++m) sum += of_segment(x.data() + m, y.data() + m);
    return {sum / static_cast<double>(segments), status};
  }

  const std::vector<double>& resampled(signal& s) {
    if (s.resampled.empty()) s.resampled = octave_resampler_of(rate_, third_octave::rate)(s.samples);
    return s.resampled;
  }
  spectrum bands(signal& s, std::span<const std::size_t> kept) {
    return third_octave::spectrum(third_octave::joined(resampled(s), kept));
  }
  const target_frames& frames_of(std::size_t t) {
    if (!own_[t]) {
      own_[t].emplace();
      own_[t]->kept = third_octave::sounding_frames(resampled(signals_[t]));
      own_[t]->bands = bands(signals_[t], own_[t]->kept);
    }
    return *own_[t];
  }
  // The estimate's bands in the frames in which the target sounds.
  const spectrum& pair(std::size_t e, std::size_t t) {
    std::optional<spectrum>& p = pairs_[e * targets_ + t];
    if (!p) p = bands(signals_[targets_ + e], frames_of(t).kept);
    return *p;
  }

  int rate_;
  std::size_t targets_, estimates_;
  std::vector<signal> signals_;                 // targets, then estimates
  std::vector<std::optional<spectrum>> pairs_;  // [estimate][target]
  std::vector<std::optional<target_frames>> own_;
};

}  // namespace avss
