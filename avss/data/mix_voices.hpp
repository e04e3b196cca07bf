// What mixing anew of single voices has in common: who speaks, how loud, and the sum.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace avss {

// Mean absolute values in dB as SpeechBrain's recipes for WSJ0Mix and LibriMix draw them: normal for the first source, normal
// relative to the first for the others, all clipped.
struct mean_abs_levels {
  double first_mean = -27.43, first_deviation = 2.57;
  double other_mean = -2.51, other_deviation = 2.66;
  double lowest = -45, highest = 0;
};

// Energies of the other sources relative to the first, uniform in dB. The first keeps its own.
struct relative_levels {
  double lowest = -5, highest = 5;
};

using mix_levels = std::variant<mean_abs_levels, relative_levels>;

// Utterances by speaker. A draw takes different speakers, in proportion to their numbers of utterances.
class speaker_groups {
 public:
  // Utterances come speaker by speaker.
  void add(std::size_t utterance, std::size_t speaker) {
    if (utterances_.empty() || speaker != last_) first_.push_back(utterances_.size());
    last_ = speaker;
    utterances_.push_back(utterance);
  }
  std::size_t speakers() const { return first_.size(); }

  // An utterance each of `sources` speakers, in the order of drawing; there must be as many. Each is drawn from all those of
  // the speakers that are left: that draws speakers by their numbers of utterances.
  std::vector<std::size_t> draw(const random_stream& random, std::size_t sources) const {
    std::vector<std::size_t> drawn, chosen;  // speakers, ascending; utterances
    for (std::size_t s = 0; s < sources; ++s) {
      std::size_t left = utterances_.size();
      for (const std::size_t d : drawn) left -= end(d) - first_[d];
      std::size_t at = static_cast<std::size_t>(random.below(left, s));
      for (const std::size_t d : drawn)
        if (at >= first_[d]) at += end(d) - first_[d];
      chosen.push_back(utterances_[at]);
      const auto speaker = static_cast<std::size_t>(std::upper_bound(first_.begin(), first_.end(), at) - first_.begin() - 1);
      drawn.insert(std::upper_bound(drawn.begin(), drawn.end(), speaker), speaker);
    }
    return chosen;
  }

 private:
  std::size_t end(std::size_t speaker) const { return speaker + 1 == first_.size() ? utterances_.size() : first_[speaker + 1]; }

  std::vector<std::size_t> utterances_, first_;  // where in utterances_ a speaker begins
  std::size_t last_ = 0;
};

namespace detail {

inline double mean_abs(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += std::abs(v);
  return sum / static_cast<double>(x.size());
}

// Throws error unless `good`; `low` and `high` are the ends of a range.
inline void check_mixing(bool good, const char* what, double low, double high, const char* expected) {
  if (!good) fail("mixing: ", what, " from ", low, " to ", high, "; expected ", expected);
}

inline void check_levels(const mix_levels& levels) {
  if (const auto* m = std::get_if<mean_abs_levels>(&levels))
    check_mixing(m->first_deviation >= 0 && m->other_deviation >= 0 && m->lowest <= m->highest, "levels", m->lowest, m->highest,
                 "the lower first, and deviations that are not negative");
  if (const auto* r = std::get_if<relative_levels>(&levels))
    check_mixing(-100 <= r->lowest && r->lowest <= r->highest && r->highest <= 100, "levels", r->lowest, r->highest,
                 "dB from -100 to 100, the lower first");
}

}  // namespace detail

// Levels are those of the time during which a source speaks, `active`.
inline void set_levels(const mix_levels& levels, random_sequence random, std::span<const std::span<float>> active) {
  const auto rms = [](std::span<const float> x) {
    double sum = 0;
    for (const float v : x) sum += static_cast<double>(v) * v;
    return std::sqrt(sum / static_cast<double>(x.size()));
  };
  // Silence stays silence.
  const auto over = [](double wanted, double level) { return level > 0 ? wanted / level : 1; };
  double first = 0;  // dB or RMS
  for (std::size_t s = 0; s < active.size(); ++s) {
    double gain = 1;
    if (const auto* m = std::get_if<mean_abs_levels>(&levels)) {
      double level = s == 0 ? m->first_mean + m->first_deviation * random.normal()
                            : first + m->other_mean + m->other_deviation * random.normal();
      level = std::clamp(level, m->lowest, m->highest);
      if (s == 0) first = level;
      gain = over(std::pow(10, level / 20), detail::mean_abs(active[s]));
    } else if (const auto* r = std::get_if<relative_levels>(&levels)) {
      if (s == 0)
        first = rms(active[s]);
      else
        gain = over(first * std::pow(10, random.uniform(r->lowest, r->highest) / 20), rms(active[s]));
    }
    for (float& v : active[s]) v = static_cast<float>(v * gain);
  }
}

// mixture [length]: the sum of voices [sources, length], in their order; then both scaled so that the largest absolute sample
// of all is `peak`, or as they are for 0.
inline void mix_voices(std::span<float> voices, std::span<float> mixture, double peak) {
  const std::size_t length = mixture.size();
  const auto add_up = [&] {
    std::copy_n(voices.begin(), length, mixture.begin());
    for (std::size_t at = length; at < voices.size(); at += length)
      for (std::size_t i = 0; i < length; ++i) mixture[i] += voices[at + i];
  };
  add_up();
  if (peak == 0) return;
  float top = 0;
  for (const float v : mixture) top = std::max(top, std::abs(v));
  for (const float v : voices) top = std::max(top, std::abs(v));
  if (top == 0) return;
  const double gain = peak / static_cast<double>(top);
  for (float& v : voices) v = static_cast<float>(v * gain);
  add_up();  // again: scaled alone, it would miss the sum by a rounding
}

}  // namespace avss
