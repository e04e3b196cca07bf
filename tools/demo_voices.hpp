// Recordings of single speakers for the demo: where they lie, and which of them sound like speech.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace avss::tools {

struct voice {
  std::string name;                          // for people: "Allison (English)", or the folder's
  std::vector<std::filesystem::path> files;  // that may be sound, by path
};

// The speakers of a folder that holds a folder for each; or, where `folder` is empty, those whose Debian packages have
// installed their sounds into `packaged`: the others get a note on `notes`. Throws error, with what to do, if there are not
// two.
std::vector<voice> find_voices(const std::filesystem::path& folder, std::ostream& notes,
                               const std::filesystem::path& packaged = "/usr/share/asterisk/sounds");

struct clip {
  std::filesystem::path file;
  std::vector<float> samples;
};

struct clip_options {
  int rate = 8000;                          // Hz, of the clips
  double min_seconds = 3, max_seconds = 6;  // without the silence around them
  std::uint64_t seed = 1;
};

// The clips of one voice in an order drawn by the seed, decoded as they are asked for.
class clip_source {
 public:
  clip_source(const voice& v, const clip_options& options);

  const std::string& name() const { return name_; }
  // Clip n, from the first again after the last; null if no recording will do.
  const clip* get(std::size_t n);
  // Why recordings were left out so far: "12 shorter than 3 s, 1 silent".
  std::string left_out() const;

 private:
  void examine(const std::filesystem::path& file);

  std::string name_;
  clip_options options_;
  std::vector<std::filesystem::path> order_;
  std::size_t next_ = 0;  // of order_
  std::vector<clip> clips_;
  std::map<std::string, std::size_t> refused_;  // how many by why
};

}  // namespace avss::tools
