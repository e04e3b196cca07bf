#include "tools/dynamic_data.hpp"

#include <avss/config/command_line.hpp>
#include <avss/data/dynamic_faces.hpp>
#include <avss/data/dynamic_mixing.hpp>
#include <avss/data/mix_voices.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/speech_pool.hpp>
#include <cmath>
#include <filesystem>
#include <tuple>
#include <utility>
#include <vector>

namespace avss::tools {
namespace {

// One path, or a list of them.
std::vector<std::filesystem::path> folders_of(const section& s, const std::string& key) {
  if (!s.has(key)) s.wrong(key, "expected a folder of recordings of single speakers, or a list of them: ", s.path(key), "=DIR");
  std::vector<std::string> names;
  if (s.at(key).is(config::kind::list))
    names = s.get<std::vector<std::string>>(key);
  else
    names = {s.get<std::string>(key)};
  std::vector<std::filesystem::path> folders;
  for (const std::string& n : names) folders.emplace_back(config::user_path(n));
  return folders;
}

std::string minutes(double seconds) { return std::to_string(std::llround(seconds / 60)) + " minutes"; }

speech_pool_options pool_options(const section& s, const data_purpose& p) {
  speech_pool_options o{.speaker = speaker_rule(s.get<std::string>("speaker")), .rate = p.sample_rate, .threads = p.threads};
  o.min_seconds = s.get<double>("min_seconds", 0);
  o.only = s.get<std::vector<std::string>>("only", {});
  o.except = s.get<std::vector<std::string>>("except", {});
  o.hold_out = static_cast<std::size_t>(not_negative(s, "hold_out", "a number of speakers"));
  o.part = s.is("speakers", "held_out", "training", false) ? speaker_part::held_out : speaker_part::training;
  if (o.part == speaker_part::held_out && o.hold_out == 0)
    s.wrong("hold_out", "expected the number of speakers that are kept out of training to validate on: ",
            "datasets.train.hold_out=N, or no validation: datasets.val=null");
  o.storage = s.get<bool>("in_memory", true) ? speech_storage::memory : speech_storage::on_demand;
  o.max_bytes = static_cast<std::size_t>(not_negative(s, "memory_mb", "MiB of memory")) << 20;
  o.skip_unreadable = s.get<bool>("skip_unreadable", false);
  return o;
}

mix_levels levels_of(const section& s) {
  if (s.has("relative_level")) {
    if (s.has("mean_abs_level"))
      s.wrong("mean_abs_level", "relative_level is given, too; set one of them to null: ", s.path("relative_level"), "=null");
    const auto [lowest, highest] = s.pair("relative_level", {});
    return relative_levels{lowest, highest};
  }
  const auto [first_mean, first_deviation] = s.pair("mean_abs_level", {-27.43, 2.57}, "[mean, deviation]");
  return mean_abs_levels{.first_mean = first_mean, .first_deviation = first_deviation};
}

}  // namespace

data_part make_dynamic_mixing(const section& s, const data_purpose& p) {
  if (p.video_channels > 0)
    s.wrong("_target_",
            "recordings of voices have no faces, which the network sees; take datasets=train_av or dynamic_av, or a ",
            "network for sound alone");
  s.allow({"folders", "speaker", "min_seconds", "only", "except", "hold_out", "speakers", "in_memory", "memory_mb",
           "skip_unreadable", "segment", "limit", "relative_level", "mean_abs_level", "overlap", "speed", "peak", "pad_short",
           "instance_transforms"});
  dynamic_mixing_options o{.sources = static_cast<int>(p.sources), .length = length_of(s, p.sample_rate)};
  o.levels = levels_of(s);
  std::tie(o.overlap_lowest, o.overlap_highest) = s.pair("overlap", {1, 1});
  std::tie(o.speed_lowest, o.speed_highest) = s.pair("speed", {1, 1});
  o.peak = s.get<double>("peak", 0);
  o.short_recordings = s.get<bool>("pad_short", false) ? when_short::pad : when_short::skip;
  o.count = limit_of(s);
  o.seed = p.seed;
  const auto pool = std::make_shared<const speech_pool>(folders_of(s, "folders"), pool_options(s, p));
  auto mixing = std::make_unique<dynamic_mixing>(pool, o);
  std::string about = "mixed anew of " + minutes(pool->seconds()) + " by " + std::to_string(mixing->speakers()) + " speakers";
  if (mixing->skipped() > 0) about += "; " + std::to_string(mixing->skipped()) + " recordings are too short";
  if (!pool->unreadable().empty()) about += "; " + std::to_string(pool->unreadable().size()) + " files cannot be read";
  return {std::move(mixing), std::move(about)};
}

data_part make_dynamic_faces(const section& s, const data_purpose& p) {
  if (p.video_channels == 0)
    s.wrong("_target_",
            "mixing anew with faces is for networks that see them; take datasets=dynamic, or a network that sees faces");
  s.allow({"dataset_path", "partition", "segment", "speaker", "num_speakers", "dataset_type", "relative_level",
           "mean_abs_level", "peak", "limit", "memory_mb", "use_video_data", "instance_transforms"});
  if (!s.get<bool>("use_video_data", true)) s.wrong("use_video_data", "the network sees faces; found false");
  const std::string path = config::user_path(s.get<std::string>("dataset_path"));
  const bool one = one_voice(s, true);
  dynamic_faces_options o{.rate = p.sample_rate, .length = length_of(s, p.sample_rate), .seed = p.seed, .threads = p.threads};
  o.speakers = s.get<int>("num_speakers", 2);
  o.voices = one ? item_voices::one : item_voices::all;
  if (const dim_t targets = one ? 1 : o.speakers; targets != p.sources)
    s.wrong("dataset_type", one ? "tss" : "bss", " gives items of ", targets, targets == 1 ? " face" : " faces",
            " where the network is trained with ", p.sources,
            "; tss goes with model.num_speakers=1, bss with num_speakers of a mixture");
  o.levels = levels_of(s);
  if (s.has("speaker")) o.speaker = speaker_rule(s.get<std::string>("speaker"));
  if (o.speaker && !o.speaker->text().starts_with("stem:"))
    s.wrong("speaker", "expected stem:SEPARATOR:N, part N of an ID, or null where each ID is a speaker; found '",
            o.speaker->text(), "'");
  o.peak = s.get<double>("peak", 0);
  o.count = limit_of(s);
  o.max_bytes = memory_of(s);
  o.faces = faces_of(p, path);
  o.vary_faces = p.training;
  auto mixing = std::make_unique<dynamic_faces>(list_dataset(path, s.get<std::string>("partition", "")), o);
  std::string about = "mixed anew of " + std::to_string(mixing->voices()) + " voices with faces by " +
                      std::to_string(mixing->speakers()) + " speakers of " + path;
  if (mixing->skipped() > 0) about += "; " + std::to_string(mixing->skipped()) + " voices are too short";
  return {std::move(mixing), std::move(about)};
}

}  // namespace avss::tools
