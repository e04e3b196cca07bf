#include "tools/crop_mouths_config.hpp"

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <cstdint>

namespace avss::tools {
namespace {

std::size_t number(const config::settings& s, const std::string& key, std::int64_t least, std::int64_t most) {
  const std::int64_t n = s.get<std::int64_t>("crop_mouths." + key);
  if (n < least || n > most) fail("crop_mouths.", key, ": expected a number from ", least, " to ", most, ", found ", n);
  return static_cast<std::size_t>(n);
}

}  // namespace

bool given(const config::settings& s, const std::string& key) { return s.has(key) && !s.at(key).is_null(); }

void read_finding(const config::settings& s, crop_options& o) {
  if (given(s, "crop_mouths.faces")) o.expected = number(s, "faces", 1, 100);
  if (given(s, "crop_mouths.min_face")) o.faces.tracking.smallest_face = static_cast<double>(number(s, "min_face", 20, 10'000));
  o.faces.tracking.detect_every = number(s, "detect_every", 1, 1000);
  o.faces.tracking.longest_gap = number(s, "max_gap", 0, 100'000);
  const bool current = s.one_of("crop_mouths.procedure", {"current", "legacy"}) == "current";
  o.procedure = current ? mouth_procedure::current : mouth_procedure::legacy;
  // The project whose procedure this is leaves out shorter clips.
  o.faces.least_frames = number(s, "min_frames", current ? smoothing_window : 1, 1'000'000);
  o.landmark_model = config::user_path(s.get<std::string>("crop_mouths.landmark_model"));
}

}  // namespace avss::tools
