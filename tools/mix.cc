// Writes a fixed data set of mixtures made from recordings of single speakers:
//   bazel run //tools:mix -- datasets.train.folders=DIR mix.save_path=DATASET mix.partition=test
#include <unistd.h>

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <avss/data/batch.hpp>
#include <avss/io/audio.hpp>
#include <avss/io/staged_folder.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "tools/item_progress.hpp"
#include "tools/stop_on_signal.hpp"
#include "tools/tool_main.hpp"
#include "tools/train_data.hpp"

namespace {

namespace fs = std::filesystem;
using avss::config::settings;

constexpr std::int64_t most_items = 1'000'000;  // whose names have six digits

std::string number(std::uint64_t n) {
  char text[24];
  std::snprintf(text, sizeof text, "%06llu", static_cast<unsigned long long>(n));
  return text;
}

const avss::tools::item_part& part_of(const avss::tools::train_sources& data, const std::string& name) {
  if (name == "train") return data.train;
  std::string known = "train";
  for (const avss::tools::item_part& p : data.others) {
    if (p.name == name) return p;
    known += ", " + p.name;
  }
  avss::fail("mix.part: expected one of ", known, ", which the section datasets has, found '", name, "'");
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

  const auto data =
      avss::tools::make_train_sources(s, {rate, sources}, static_cast<std::uint64_t>(seed), avss::tools::threads_of(c));
  const avss::tools::item_part& part = part_of(data, s.get<std::string>("mix.part"));
  const avss::item_source* const items = part.items.get();
  const std::int64_t count = s.get<std::int64_t>("mix.items", items->count());
  if (count < 1) avss::fail("mix.items: expected a number of mixtures, at least 1");
  if (count > (part.repeats ? items->count() : most_items))
    avss::fail("mix.items: expected ", part.repeats ? items->count() : most_items, " at most, found ", count,
               part.repeats ? "; a data set has no more mixtures" : "");
  std::cout << data.about << std::endl;
  const avss::tools::stop_on_signal signals;

  const fs::path target = fs::path(save_path) / "audio" / partition;
  std::error_code code;
  if (fs::exists(target, code) && !(fs::is_directory(target, code) && fs::is_empty(target, code)))
    avss::fail(target.string(),
               ": is there already, and nothing of it is overwritten; choose another mix.partition or mix.save_path");
  avss::staged_folder folder(target);
  const std::size_t length = static_cast<std::size_t>(items->length()), n = static_cast<std::size_t>(sources);
  std::vector<float> mixture(length), targets(n * length);
  avss::tools::item_progress progress(std::cerr, ::isatty(STDERR_FILENO) != 0, static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count); ++i) {
    if (signals.requested()) {
      std::cerr << "mix: interrupted; nothing is written" << std::endl;
      return 130;
    }
    items->make(i, mixture, targets);
    const std::string name = number(i) + ".wav";
    avss::write_audio(folder.file("mix/" + name), rate, mixture);
    for (std::size_t k = 0; k < n; ++k)
      avss::write_audio(folder.file("s" + std::to_string(k + 1) + "/" + name), rate,
                        std::span(targets).subspan(k * length, length));
    progress.step();
  }
  folder.publish("mix/" + number(static_cast<std::uint64_t>(count) - 1) + ".wav");
  std::cout << count << " mixtures of " << static_cast<double>(length) / rate << " s at " << rate
            << " Hz: " << avss::one_line(target.string()) << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(argc, argv, {"mix", "writes mixtures of single speakers' recordings as a data set.", "mix"},
                                mix);
}
