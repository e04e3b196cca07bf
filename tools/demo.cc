// The first thing to try: recorded voices mixed, separated and shown on a page.
//   bazel run //tools:demo
//   bazel run //tools:demo -- demo.voices=DIR demo.out=DIR demo.from_pretrained=FILE model=NAME
#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "tools/demo_job.hpp"
#include "tools/models/select.hpp"
#include "tools/tool_main.hpp"

namespace {

namespace fs = std::filesystem;
using avss::config::settings;

// A file of the user's, or one of this repository of that name.
std::string find_weights(const std::string& given, const std::string& argv0) {
  if (given.empty()) avss::fail("which weights? give the checkpoint, demo.from_pretrained=FILE");
  const std::string own = avss::config::user_path(given);
  std::error_code ignored;
  if (fs::exists(own, ignored) || fs::path(given).is_absolute()) return own;
  for (const std::string& place : avss::config::own_places(argv0, given, given))
    if (fs::exists(place, ignored)) return place;
  avss::fail(own, ": no such file, nor has this repository a ", given,
             "; give the checkpoint, demo.from_pretrained=FILE, and its network, model=NAME");
}

avss::tools::demo_options read_options(const settings& s) {
  avss::tools::demo_options o;
  o.voices = avss::config::user_path(s.get<std::string>("demo.voices", ""));
  o.out = avss::config::user_path(s.get<std::string>("demo.out", ""));
  if (o.out.empty()) avss::fail("where should the results go? give demo.out=DIR");
  o.mixtures = s.get<int>("demo.mixtures");
  if (o.mixtures < 1 || o.mixtures > 50) avss::fail("demo.mixtures: expected 1 to 50, found ", o.mixtures);
  o.min_seconds = s.get<double>("demo.min_seconds"), o.max_seconds = s.get<double>("demo.max_seconds");
  if (!(o.min_seconds >= 1 && o.min_seconds <= o.max_seconds && o.max_seconds <= 60))
    avss::fail("demo.min_seconds, demo.max_seconds: expected seconds from 1 to 60, the smaller first, found ", o.min_seconds,
               " and ", o.max_seconds);
  const std::int64_t seed = s.get<std::int64_t>("demo.seed");
  if (seed < 0) avss::fail("demo.seed: expected a number from 0 on, found ", seed);
  o.seed = static_cast<std::uint64_t>(seed);
  avss::tools::read_compute(s, "demo.device", 0);
  return o;
}

int demo(const settings& s, const avss::config::command_line& c, const std::string& argv0) {
  avss::tools::demo_options o = read_options(s);
  avss::tools::check_demo_folder(o.out);
  const std::string weights = find_weights(s.get<std::string>("demo.from_pretrained", ""), argv0);
  o.weights = fs::path(weights).filename().string();
  const avss::tools::model_entry& entry = avss::tools::select_audio_model(s);
  const avss::tools::compute on = avss::tools::read_compute(s, "demo.device", c.threads);
  const std::unique_ptr<avss::separator> network = avss::tools::make_audio_model(entry, weights, on);
  const avss::separator_info& info = network->info();
  if (info.sources != 2) avss::fail(info.name, " separates ", info.sources, " voices; the demo needs a network for 2");
  std::cout << info.name << ": " << info.parameters << " parameters, " << info.sample_rate << " Hz, on "
            << avss::tools::place_name(on, entry) << ", weights " << weights << std::endl;
  return avss::tools::run_demo(o, *network, std::cout, std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string argv0 = argc > 0 ? argv[0] : "";
  return avss::tools::tool_main(argc, argv,
                                {"demo", "mixes recorded voices, separates them and shows the result on a page.", "demo"},
                                [&](const settings& s, const avss::config::command_line& c) { return demo(s, c, argv0); });
}
