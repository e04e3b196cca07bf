// What a network costs, part by part:
//   bazel run //tools:profile -- model=rtfsnet_4 [seconds=2] [faces=1] [--threads 2] [out=COST.json]
//   bazel run //tools:profile -- video_encoder=lrw
#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <avss/io/atomic_file.hpp>
#include <avss/model/rtfsnet_config.hpp>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "tools/models/profiles.hpp"
#include "tools/profile_report.hpp"
#include "tools/tool_main.hpp"

namespace {

using avss::config::settings;

std::int64_t whole(const settings& s, const std::string& key, std::int64_t most) {
  const std::int64_t n = s.get<std::int64_t>(key);
  if (n < 1 || n > most) avss::fail(key, ": expected 1 to ", most, ", found ", n);
  return n;
}

bool is_given(const settings& s, const std::string& key) { return s.has(key) && !s.at(key).is_null(); }

// Of the mixture: as asked, or those of the model.
std::int64_t faces_of(const settings& s) {
  if (is_given(s, "faces")) return whole(s, "faces", 64);
  return !s.has("video_encoder") && is_given(s, "model.num_speakers") ? whole(s, "model.num_speakers", 64) : 1;
}

std::string one_of(const settings& s, const std::string& key, const std::vector<std::string>& values) {
  const std::string given = s.get<std::string>(key);
  std::string names;
  for (const std::string& v : values) {
    if (v == given) return given;
    names += (names.empty() ? "" : ", ") + v;
  }
  avss::fail(key, ": expected one of ", names, ", found '", given, "'");
}

// The lip-reading encoder of the section video_encoder, or the model.
avss::model_cost cost_of(const settings& s, avss::tools::profile_request request) {
  if (!s.has("video_encoder")) return avss::tools::profile_model(s.get<std::string>("model.preset"), request);
  request.side = one_of(s, "video_encoder.preprocessing", {"lrw", "reference"}) == "lrw" ? 88 : 96;
  request.batch_statistics = one_of(s, "video_encoder.bn_stats", {"running", "batch"}) == "batch";
  return avss::tools::profile_model("lip_" + one_of(s, "video_encoder.activation", {"swish", "prelu", "relu"}), request);
}

int profile(const settings& s, const avss::config::command_line& c) {
  const std::string out = avss::config::user_path(s.get<std::string>("out", ""));
  if (!out.empty() && !out.ends_with(".json") && !out.ends_with(".csv"))
    avss::fail("out: expected a file's name that ends in .json or .csv, found '", out, "'");
  std::optional<avss::atomic_file> file;
  if (!out.empty()) file.emplace(out);  // what cannot be written is told before anything is measured
  avss::tools::profile_request request;
  request.seconds = s.get<double>("seconds");
  request.faces = faces_of(s);
  request.repeats = static_cast<int>(whole(s, "repeats", 1000));
  request.threads = avss::tools::threads_of(c);
  if (is_given(s, "model.passes")) request.passes = static_cast<int>(whole(s, "model.passes", avss::most_passes));
  const avss::model_cost cost = cost_of(s, request);
  std::cout << avss::tools::profile_table(cost);
  if (!file) return 0;
  file->write(out.ends_with(".csv") ? avss::tools::profile_csv(cost) : avss::tools::profile_json(cost));
  file->commit();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return avss::tools::tool_main(argc, argv, {"profile", "tells what a network costs, part by part.", "profile"}, profile);
}
