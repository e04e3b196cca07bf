// Writes a fixed data set of mixtures made from recordings of single speakers:
//   bazel run //tools:mix -- datasets.train.folders=DIR mix.save_path=DATASET mix.partition=test
#include <signal.h>
#include <stdlib.h>

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <avss/data/batch.hpp>
#include <avss/io/audio.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tools/stop_on_signal.hpp"
#include "tools/train_data.hpp"

namespace {

namespace fs = std::filesystem;
using avss::config::settings;

// A folder that appears under its name when it is complete, or not at all.
class new_folder {
 public:
  explicit new_folder(fs::path target) : target_(std::move(target)) {
    std::error_code code;
    if (fs::exists(target_, code) && !(fs::is_directory(target_, code) && fs::is_empty(target_, code)))
      avss::fail(target_.string(),
                 ": is there already, and nothing of it is overwritten; choose another mix.partition or "
                 "mix.save_path");
    fs::create_directories(target_.parent_path(), code);
    std::string name = (target_.parent_path() / ("." + target_.filename().string() + ".XXXXXX")).string();
    if (code || !mkdtemp(name.data()))
      avss::fail(target_.parent_path().string(),
                 ": no folder can be made in it: ", (code ? code : std::error_code(errno, std::generic_category())).message(),
                 "; choose another mix.save_path");
    part_ = name;
    fs::permissions(part_, fs::status(target_.parent_path()).permissions(), code);
  }
  ~new_folder() {
    std::error_code ignored;
    if (!part_.empty()) fs::remove_all(part_, ignored);
  }
  new_folder(const new_folder&) = delete;
  new_folder& operator=(const new_folder&) = delete;

  const fs::path& path() const { return part_; }
  void publish() {
    std::error_code code;
    fs::rename(part_, target_, code);  // an empty folder of that name is replaced
    if (code) avss::fail(target_.string(), ": cannot be made: ", code.message());
    part_.clear();
  }

 private:
  fs::path target_, part_;
};

std::string number(std::uint64_t n) {
  char text[24];
  std::snprintf(text, sizeof text, "%06llu", static_cast<unsigned long long>(n));
  return text;
}

int mix(const settings& s, const avss::config::command_line& c) {
  const std::string save_path = avss::config::user_path(s.get<std::string>("mix.save_path", ""));
  if (save_path.empty()) avss::fail("where should the mixtures go? give mix.save_path=DIR");
  const std::string partition = s.get<std::string>("mix.partition");
  const int rate = s.get<int>("mix.sample_rate"), sources = s.get<int>("mix.num_speakers");
  if (rate < 1) avss::fail("mix.sample_rate: expected Hz, found ", rate);
  if (sources < 1) avss::fail("mix.num_speakers: expected a number from 1 on, found ", sources);
  const std::int64_t seed = s.get<std::int64_t>("mix.seed");
  if (seed < 0) avss::fail("mix.seed: expected a number from 0 on, found ", seed);
  if (partition.empty() || partition.find('/') != std::string::npos || partition.starts_with('.'))
    avss::fail("mix.partition: expected a folder's name, found '", partition, "'");

  const avss::tools::stop_on_signal signals;
  const auto data = avss::tools::make_train_sources(s, rate, sources, static_cast<std::uint64_t>(seed), c.threads);
  const bool held_out = s.one_of("mix.part", {"train", "val"}) == "val";
  const avss::item_source* items = held_out ? data.val.get() : data.train.get();
  if (!items) avss::fail("mix.part=val: datasets.val is null");
  const std::int64_t count = s.get<std::int64_t>("mix.items", items->count());
  if (count < 1) avss::fail("mix.items: expected a number of mixtures, at least 1");
  std::cout << data.about << std::endl;

  new_folder folder(fs::path(save_path) / "audio" / partition);
  const std::size_t length = static_cast<std::size_t>(items->length()), n = static_cast<std::size_t>(sources);
  fs::create_directory(folder.path() / "mix");
  for (std::size_t k = 1; k <= n; ++k) fs::create_directory(folder.path() / ("s" + std::to_string(k)));
  std::vector<float> mixture(length), targets(n * length);
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count); ++i) {
    if (signals.requested()) {
      std::cerr << "mix: interrupted; nothing is written" << std::endl;
      return 130;
    }
    items->make(i, mixture, targets);
    const std::string name = number(i) + ".wav";
    avss::write_audio(folder.path() / "mix" / name, rate, mixture);
    for (std::size_t k = 0; k < n; ++k)
      avss::write_audio(folder.path() / ("s" + std::to_string(k + 1)) / name, rate,
                        std::span(targets).subspan(k * length, length));
  }
  folder.publish();
  std::cout << count << " mixtures of " << static_cast<double>(length) / rate << " s at " << rate
            << " Hz: " << (fs::path(save_path) / "audio" / partition).string() << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGXFSZ, SIG_IGN);  // a write that fails says why
  return avss::config::run_tool(argc, argv, {"mix", "writes mixtures of single speakers' recordings as a data set.", "mix"},
                                mix);
}
