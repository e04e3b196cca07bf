// Speech with the times of its phonemes, by espeak-ng.
#pragma once

#include <avss/core/random.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace avss::tools {

// How a speaker sounds.
struct espeak_voice {
  std::string name;  // an accent and a variant, "en-us+f2"
  int pitch, range;  // 0 to 100
  int rate;          // words a minute
  bool low;          // of a man's kind
};

// An accent of English, a variant, pitch, melody and speed.
espeak_voice draw_voice(random_stream stream);

struct spoken_phoneme {
  std::string ipa;    // "" is a pause
  double begin, end;  // s
};
struct spoken_text {
  int rate = 0;  // Hz
  std::vector<float> samples;
  std::vector<spoken_phoneme> phonemes;
};

// espeak-ng keeps its state in global variables, and not all of it is reset between utterances (the same text sounds otherwise
// after another one): every utterance is therefore spoken by a process of its own, forked from one that has never spoken. What
// is said depends on the arguments alone, and several threads may ask at once.
class espeak_speech {
 public:
  // Throws error where espeak-ng's data are missing. One object in a program, made before any thread speaks.
  espeak_speech();

  // Throws error for an unknown voice, or where espeak-ng fails.
  spoken_text say(const espeak_voice& voice, const std::string& text) const;
  const std::string& version() const { return version_; }

 private:
  int rate_;
  std::string version_;
};

}  // namespace avss::tools
