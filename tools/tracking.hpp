// From a configuration's `writer` section to what follows a training run.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/track/event_tracker.hpp>
#include <avss/train/trainer.hpp>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <string>

namespace avss::tools {

// How this process was started.
struct start_record {
  std::string command;  // as a shell takes it
  std::string folder;   // where it was typed
  std::string commit;   // of the sources, with -dirty where they differ from it; "" outside `bazel run` and without git
};
start_record this_start();

// Throws error for an unknown writer and for a key that it does not know. Of writers that are services nothing is sent: a line
// on `err` says what is done instead. `configuration`: as config.yaml of the run is going to say it.
std::unique_ptr<tracker> make_tracker(const config::settings& s, const trainer_options& o, const start_record& start,
                                      const std::string& configuration, std::ostream& err);

// Adds a line to starts.jsonl of the run: time, step, version, commit, command, folder, and the id by which services know the
// run.
void record_start(const config::settings& s, const std::filesystem::path& folder, std::int64_t step, const start_record& start);

}  // namespace avss::tools
