// The page that shows what //tools:separate made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace avss::tools {

struct separated_face {
  std::string about;        // which frames it was seen in, in words
  std::string voice, film;  // files beside the page; film may be empty
  std::string mouths;       // PNG: some of the crops
};

struct separated_film {
  std::string name;     // of the film, or of the sound
  std::string mixture;  // a file beside the page
  std::string network;  // the preset's name
  double seconds = 0;
  std::vector<separated_face> faces;
  std::string poster;         // PNG, what the films show before they are played; may be empty
  std::string lacking_codec;  // of the films' picture, where browsers do not decode it
};

// Needs the files it names beside it, but no network and no script.
std::string separate_page(const separated_film& film);

}  // namespace avss::tools
