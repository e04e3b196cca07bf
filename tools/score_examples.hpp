// Files to look at and to listen to: of all that were scored the worst, the middle and the best.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/score_report.hpp"

namespace avss::tools {

struct example_options {
  std::size_t of_each_kind = 2;
  double seconds = 5;            // of each file, from its beginning
  std::filesystem::path mouths;  // <id>.npz of the faces of mixtures that are named <id1>_<id2>; empty for none
};

inline constexpr int highest_example_rate = 16000;            // Hz; sounds of higher rates are resampled to it
inline constexpr double example_range = 60;                   // dB from the last colour to the first
inline constexpr std::size_t most_example_bytes = 24u << 20;  // of all sounds and pictures, as a page holds them

struct example_sound {
  std::vector<float> samples;
  std::string picture;  // PNG: a spectrogram, its top the loudest point of the sound, of an error that of its estimate
};

struct example_voice {
  std::size_t estimate = 0;  // which one was taken for this target
  example_sound truth, estimated, error;
  std::string mouths;     // PNG: frames of the face from left to right; empty where there are none
  std::string no_mouths;  // why crops that there are could not be shown
};

struct score_example {
  std::size_t file = 0;  // number in the report
  std::string kind;      // "worst", "middle", "best"
  std::size_t rank = 0;  // from 1, the worst
  int rate = 0;          // Hz, of the sounds here
  bool cut = false;      // whether the file goes on
  example_sound mixture;
  std::vector<example_voice> voices;
  std::string problem;  // why there is nothing to hear; one line
};

// By the report's first column; the worst first, no file twice. The error is estimate - a truth, with a = <estimate, truth> /
// <truth, truth>: what SI-SDR takes for noise. Signals are those of the files' first channels, beyond full scale made quieter.
// Examples beyond most_example_bytes are without sounds and say so.
std::vector<score_example> pick_examples(const score_report& report, const example_options& options);

// The folder mouths/ of the data set that holds this ground truth (the folder with mix/), empty where there is none.
std::filesystem::path mouths_of(const std::filesystem::path& truth);

}  // namespace avss::tools
