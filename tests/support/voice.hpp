// Sounds with the loudness, the harmonics and the melody of a voice, made of nothing.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss::testing {

// About four syllables a second, each with a pitch of its own around `pitch` Hz.
inline std::vector<float> made_up_voice(std::size_t length, int rate, double pitch, std::uint32_t seed) {
  lcg random(seed);
  std::vector<float> x(length);
  double phase = 0;
  for (std::size_t i = 0; i < length;) {
    const double share = 0.25 * rate * (1 + 0.3 * random()), hz = pitch * (1 + 0.25 * random()), loud = 0.3 + 0.15 * random();
    const std::size_t end = std::min(length, i + static_cast<std::size_t>(share));
    for (const std::size_t from = i; i < end; ++i) {
      const double within = static_cast<double>(i - from) / share;  // of the syllable
      phase += 2 * std::numbers::pi * hz * (1 - 0.1 * within) / rate;
      double v = 0;
      for (int k = 1; k <= 8 && k * hz < 0.45 * rate; ++k) v += std::sin(k * phase) / k;
      x[i] = static_cast<float>(loud * v * std::pow(std::sin(std::numbers::pi * within), 2) + 1e-3 * random());
    }
  }
  return x;
}

}  // namespace avss::testing
