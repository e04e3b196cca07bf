// Films of talking faces to crops of their mouths:
//   bazel run //tools:crop_mouths -- video=talk.mp4 out=DIR
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tools/crop_mouths_config.hpp"
#include "tools/crop_mouths_job.hpp"
#include "tools/dlib_faces.hpp"
#include "tools/tool_main.hpp"

namespace {

using avss::config::settings;

avss::tools::crop_options read_options(const settings& s) {
  avss::tools::crop_options o;
  if (!avss::tools::given(s, "video")) avss::fail("which film? give video=FILE, a folder, or video=[FILE,FILE]");
  if (!avss::tools::given(s, "out")) avss::fail("where should the crops go? give out=DIR");
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
  avss::tools::read_finding(s, o);
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
  return avss::tools::tool_main(argc, argv,
                                {"crop_mouths",
                                 "crops the mouths of talking faces out of films. Its landmark model, by default Debian's of "
                                 "dlib, was trained on iBUG 300-W, which excludes commercial use.",
                                 "crop_mouths"},
                                crop_mouths);
}
