// Films of talking faces to crops of their mouths:
//   bazel run //tools:crop_mouths -- video=talk.mp4 out=DIR
#include <signal.h>
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tools/crop_mouths_job.hpp"
#include "tools/dlib_faces.hpp"

namespace {

using avss::config::settings;

std::size_t number(const settings& s, const std::string& key, std::int64_t least, std::int64_t most) {
  const std::int64_t n = s.get<std::int64_t>("crop_mouths." + key);
  if (n < least || n > most) avss::fail("crop_mouths.", key, ": expected a number from ", least, " to ", most, ", found ", n);
  return static_cast<std::size_t>(n);
}

bool given(const settings& s, const std::string& key) { return s.has(key) && !s.at(key).is_null(); }

avss::tools::crop_options read_options(const settings& s) {
  avss::tools::crop_options o;
  if (!given(s, "video")) avss::fail("which film? give video=FILE, a folder, or video=[FILE,FILE]");
  if (!given(s, "out")) avss::fail("where should the crops go? give out=DIR");
  std::vector<std::string> paths;
  if (s.at("video").is(avss::config::kind::list))
    paths = s.get<std::vector<std::string>>("video");
  else
    paths = {s.get<std::string>("video")};
  std::size_t skipped = 0;
  for (const std::string& p : paths)
    for (auto& film : avss::tools::list_films(avss::config::user_path(p), skipped)) o.videos.push_back(std::move(film));
  if (o.videos.empty()) avss::fail("video: an empty list; give video=FILE");
  if (skipped > 0) std::cerr << "note: " << skipped << " files that are no films by their names skipped" << std::endl;
  o.out = avss::config::user_path(s.get<std::string>("out"));
  if (given(s, "crop_mouths.faces")) o.expected = number(s, "faces", 1, 100);
  if (given(s, "crop_mouths.min_face")) o.faces.tracking.smallest_face = static_cast<double>(number(s, "min_face", 20, 10'000));
  o.faces.tracking.detect_every = number(s, "detect_every", 1, 1000);
  o.faces.tracking.longest_gap = number(s, "max_gap", 0, 100'000);
  const bool current = s.one_of("crop_mouths.procedure", {"current", "legacy"}) == "current";
  o.procedure = current ? avss::mouth_procedure::current : avss::mouth_procedure::legacy;
  // The project whose procedure this is leaves out shorter clips.
  o.faces.least_frames = number(s, "min_frames", current ? avss::smoothing_window : 1, 1'000'000);
  o.landmark_model = avss::config::user_path(s.get<std::string>("crop_mouths.landmark_model"));
  o.landmarks = s.get<bool>("crop_mouths.landmarks");
  o.overwrite = s.get<bool>("crop_mouths.overwrite");
  o.terminal = ::isatty(STDERR_FILENO) == 1;
  return o;
}

int crop_mouths(const settings& s, const avss::config::command_line&) {
  const avss::tools::crop_options o = read_options(s);
  const std::unique_ptr<avss::face_finder> finder = avss::tools::make_dlib_faces(o.landmark_model);
  return avss::tools::run_crop_mouths(o, *finder, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGXFSZ, SIG_IGN);  // a write that fails says why
  return avss::config::run_tool(argc, argv,
                                {"crop_mouths",
                                 "crops the mouths of talking faces out of films. Its landmark model, by default Debian's of "
                                 "dlib, was trained on iBUG 300-W, which excludes commercial use.",
                                 "crop_mouths"},
                                crop_mouths);
}
