// Renders a corpus of talking mouths with voices, for whoever has no licensed one:
//   bazel run //tools:synthesize -- synthesize.save_path=DIR
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "tools/synthesize_job.hpp"
#include "tools/tool_main.hpp"

namespace {

using avss::config::settings;

std::size_t number(const settings& s, const std::string& key, std::int64_t least, std::int64_t most) {
  const std::int64_t n = s.get<std::int64_t>("synthesize." + key);
  if (n < least || n > most) avss::fail("synthesize.", key, ": expected a number from ", least, " to ", most, ", found ", n);
  return static_cast<std::size_t>(n);
}

// Clips are whole frames of 40 ms.
std::size_t frames_of(double seconds) {
  const double frames = seconds * avss::tools::frames_per_second, whole = std::round(frames);
  if (!(seconds >= 0.2 && seconds <= 60) || std::abs(frames - whole) > 1e-6)
    avss::fail("synthesize.seconds: expected a multiple of 0.04 from 0.2 to 60, found ", seconds);
  return static_cast<std::size_t>(whole);
}

int synthesize(const settings& s, const avss::config::command_line& c) {
  avss::tools::corpus_options o;
  o.save_path = avss::config::user_path(s.get<std::string>("synthesize.save_path", ""));
  if (o.save_path.empty()) avss::fail("where should the corpus go? give synthesize.save_path=DIR");
  constexpr std::int64_t most = 100'000;  // what the digits of an ID can tell apart
  o.train = number(s, "train_items", 0, most), o.val = number(s, "val_items", 0, most);
  if (o.train + o.val == 0) avss::fail("synthesize.train_items, synthesize.val_items: both are 0; nothing to make");
  o.train_speakers = number(s, "train_speakers", 2, 40'000), o.val_speakers = number(s, "val_speakers", 2, 40'000);
  o.items.seed = number(s, "seed", 0, INT64_MAX);
  o.items.frames = frames_of(s.get<double>("synthesize.seconds"));
  const auto level = s.get<std::vector<double>>("synthesize.relative_level");
  if (level.size() != 2 || !(0 <= level[0] && level[0] <= level[1] && level[1] <= 40))
    avss::fail("synthesize.relative_level: expected [lowest, highest] in dB from 0 to 40, for example [0, 5]");
  o.items.relative_level = {level[0], level[1]};
  // Where it was written to is no property of a corpus.
  avss::config::value recorded = s.at("synthesize");
  std::erase_if(recorded.entries(), [](const auto& e) { return e.key == "save_path"; });
  o.settings = avss::config::to_yaml(recorded);
  o.threads = avss::tools::threads_of(c);
  o.terminal = ::isatty(STDERR_FILENO) != 0;
  return avss::tools::run_synthesis(o, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(argc, argv, {"synthesize", "renders talking mouths with voices as a data set.", "synthesize"},
                                synthesize);
}
