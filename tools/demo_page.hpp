// The demo's results, and the page that shows them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace avss::tools {

struct demo_voice {
  std::string speaker, file;                    // who, and the recording's name
  std::vector<float> truth, estimate;           // as it went into the mixture, as it came out: the estimate that fits it best
  double before = 0, after = 0;                 // SI-SNR of the mixture and of the estimate in dB, NaN where it has none
  std::string truth_picture, estimate_picture;  // PNG
};

struct demo_mixture {
  std::string name;  // of its files
  std::vector<float> samples;
  std::array<demo_voice, 2> voices;
  std::string picture;                            // PNG
  double before = 0, after = 0, improvement = 0;  // means over the voices in dB
};

struct demo_report {
  std::string network, weights;  // the preset's name, the file's
  std::int64_t parameters = 0;
  int rate = 0;  // Hz
  std::vector<demo_mixture> mixtures;
  double before = 0, after = 0, improvement = 0;  // means over the mixtures in dB
  double seconds = 0, spent = 0;                  // of sound, of time to separate it
  bool debian_voices = false;                     // whether to name the speakers' packages
};

constexpr double picture_range = 60;  // dB from the last colour to the first

// Draws the pictures of a mixture, all with the mixture's loudest point as their top.
void draw_pictures(demo_mixture& mixture, int rate);

// What tells the demo's page from others.
constexpr const char* demo_generator = "<meta name=\"generator\" content=\"avss demo\">";

// One page with all sounds and pictures in it: needs no other file, no network, no script.
std::string demo_page(const demo_report& report);

}  // namespace avss::tools
