// The sound of a film, as long as its picture.
#pragma once

#include <avss/core/shape.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/io/media_audio.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace avss::tools {

struct film_sound_options {
  channel_choice channels = channel_choice::mean;
  // When the picture begins, in seconds on the clock of the file; without it the sound begins with the picture.
  std::optional<double> picture_start;
  double seconds = 0;  // of the picture; 0: all of the sound is taken
};

struct film_sound {
  int rate = 0;        // Hz
  dim_t samples = 0;   // written
  double late = 0;     // s by which the sound begins after the picture; less than 0: before it
  double missing = 0;  // s by which it ends before the picture
  // Silence within, and what was left out, at times after the first sample of the sound.
  std::vector<audio_gap> gaps{};
};

// Writes a float wav file of one channel that begins with the picture: what sounds before is left out, where nothing sounds is
// silence. `each` is called block by block and may throw. Throws avss::error as media_audio_reader and audio_writer do.
film_sound copy_film_sound(const std::filesystem::path& source, const film_sound_options& options,
                           const std::filesystem::path& target, const std::function<void()>& each);

}  // namespace avss::tools
