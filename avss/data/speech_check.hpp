// Whether a recording sounds like a voice: cheap statistics that tell speech from silence, beeps, noise and animals.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace avss {

// Of frames of 20 ms. "Spread" is the standard deviation divided by the mean.
struct speech_traits {
  double level = -std::numeric_limits<double>::infinity();  // dB of full scale that one frame in twenty passes
  double level_spread = 0;                                  // of the frames' RMS: words and pauses
  double voiced = 0;                                        // share of the frames within 25 dB of `level` with a pitch
  double pitch_spread = 0;                                  // of the pitches: melody
};

namespace detail {

struct periodicity {
  double strength = 0, pitch = 0;  // 1: repeats exactly; Hz
};

// The strongest normalised correlation of x [0, length) with what comes `lag` later, 70 to 400 Hz.
inline periodicity find_pitch(std::span<const float> x, std::size_t length, int rate) {
  const std::size_t shortest = static_cast<std::size_t>(rate / 400), longest = static_cast<std::size_t>(rate / 70);
  periodicity best;
  const auto dot = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += static_cast<double>(x[a + i]) * static_cast<double>(x[b + i]);
    return sum;
  };
  const double energy = dot(0, 0);
  for (std::size_t lag = shortest; lag <= longest && lag + length <= x.size(); ++lag) {
    const double other = dot(lag, lag);
    if (energy <= 0 || other <= 0) continue;
    const double strength = dot(0, lag) / std::sqrt(energy * other);
    // Every multiple of a period is one, too: a longer one has to be clearly better.
    if (strength > best.strength * 1.05) best = {strength, static_cast<double>(rate) / static_cast<double>(lag)};
  }
  return best;
}

inline double spread(std::span<const double> values) {
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = values.empty() ? 0 : sum / static_cast<double>(values.size());
  for (const double v : values) squares += (v - mean) * (v - mean);
  return mean > 0 ? std::sqrt(squares / static_cast<double>(values.size())) / mean : 0;
}

}  // namespace detail

// 8 kHz are enough and the fastest. Less than 60 ms has no traits.
inline speech_traits measure_speech(std::span<const float> x, int rate) {
  const std::size_t hop = static_cast<std::size_t>(rate / 50), window = 2 * hop;
  speech_traits t;
  if (rate < 800 || x.size() < 3 * hop) return t;
  std::vector<double> rms(x.size() / hop);
  for (std::size_t n = 0; n < rms.size(); ++n) {
    double sum = 0;
    for (std::size_t i = 0; i < hop; ++i) sum += static_cast<double>(x[n * hop + i]) * static_cast<double>(x[n * hop + i]);
    rms[n] = std::sqrt(sum / static_cast<double>(hop));
  }
  std::vector<double> sorted = rms;
  std::sort(sorted.begin(), sorted.end());
  const double loud = sorted[sorted.size() * 19 / 20];
  if (loud <= 0) return t;
  t.level = 20 * std::log10(loud);
  t.level_spread = detail::spread(rms);

  const double quiet = loud * std::pow(10., -25. / 20);
  std::vector<double> pitches;
  std::size_t active = 0;
  for (std::size_t n = 0; n * hop + window < x.size(); ++n) {
    if (rms[n] < quiet) continue;
    ++active;
    const detail::periodicity p = detail::find_pitch(x.subspan(n * hop), window, rate);
    if (p.strength > 0.6) pitches.push_back(p.pitch);
  }
  t.voiced = active == 0 ? 0 : static_cast<double>(pitches.size()) / static_cast<double>(active);
  t.pitch_spread = detail::spread(pitches);
  return t;
}

// What speaks against a voice, null if nothing does. The bounds are far from what 474 telephone prompts of four speakers
// have (level -17 dB, level spread 0.5, voiced 0.68, pitch spread 0.14 at the least); monkeys are voiced to 0.39.
inline const char* not_speech(const speech_traits& t) {
  if (t.level < -50) return "silent";
  if (t.level_spread < 0.3) return "of one loudness throughout";
  if (t.voiced < 0.5) return "without a voice's pitch";
  if (t.pitch_spread < 0.03) return "of one pitch throughout";
  return nullptr;
}

}  // namespace avss
