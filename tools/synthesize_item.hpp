// One synthesized mixture: two speakers, their voices and their mouths.
#pragma once

#include <array>
#include <avss/core/random.hpp>
#include <avss/synth/face.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/espeak_speech.hpp"

namespace avss::tools {

inline constexpr int synthesis_rate = 16000, frames_per_second = 25;

struct synthetic_speaker {
  std::size_t number;  // from 1 on
  espeak_voice voice;
  face looks;
};
synthetic_speaker draw_speaker(std::uint64_t seed, std::size_t number);

struct synthetic_utterance {
  std::string id;  // eleven digits: the speaker's number, the utterance's
  std::vector<float> samples;
  std::vector<std::uint8_t> mouth;  // [frames, 96, 96]
  double correlation = 0;           // of the mouth's opening and the level, over the frames
};

struct synthetic_mixture {
  std::array<synthetic_utterance, 2> sources;
  std::vector<float> samples;  // the sum of the sources' samples, rounded as float sums
};

struct synthesis_options {
  std::uint64_t seed = 1;
  std::size_t frames = 50;
  std::pair<double, double> relative_level{0, 5};  // dB by which the louder is louder
};

// Item n of a partition. In every two items 2k, 2k + 1 the first source is the louder one once. The largest sample of the three
// signals is 0.9. A function of the arguments alone; several threads may call it at once.
synthetic_mixture make_mixture(const synthesis_options& options, const espeak_speech& speech,
                               const std::vector<synthetic_speaker>& speakers, const std::string& partition, std::size_t n);

}  // namespace avss::tools
