#include "tools/train_data.hpp"

#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/data/dynamic_mixing.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/mixture_set.hpp>
#include <avss/data/speech_pool.hpp>
#include <avss/data/synthetic_mixtures.hpp>
#include <avss/train/batches.hpp>
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tools/section.hpp"

namespace avss::tools {
namespace {

using config::settings;

// What a part of the data, train or val, is made for.
struct purpose : item_needs {
  const settings& all;
  const std::optional<mouth_encoder>& encoder;
  std::uint64_t seed;
  int threads;
  bool training;
};

struct made {
  std::unique_ptr<const item_source> items;
  std::string about;
  bool reorders = false;  // numbers its items without end by itself, in a new order every epoch
  bool repeats = false;   // items beyond its number are the same ones again
};

// Seconds to samples.
dim_t length_of(const section& s, int rate, const std::string& key = "segment") {
  const double seconds = s.get<double>(key);
  constexpr double least = 0.01, most = 3600;
  if (!(seconds >= least && seconds <= most)) s.wrong(key, "expected seconds from ", least, " to ", most, ", found ", seconds);
  return std::max<dim_t>(1, std::llround(seconds * rate));
}

dim_t not_negative(const section& s, const std::string& key, const char* what) {
  constexpr dim_t most = 1'000'000'000;
  const dim_t n = s.get<dim_t>(key, 0);
  if (n < 0 || n > most) s.wrong(key, "expected ", what, " from 0 to ", most, ", found ", n);
  return n;
}

dim_t limit_of(const section& s) { return not_negative(s, "limit", "a number of items, or null"); }

// Two numbers.
std::pair<double, double> pair_of(const section& s, const std::string& key, std::pair<double, double> fallback,
                                  const char* what = "[lowest, highest]") {
  if (!s.has(key)) return fallback;
  const auto ends = s.get<std::vector<double>>(key);
  if (ends.size() != 2) s.wrong(key, "expected ", what, ", found a list of ", ends.size());
  return {ends[0], ends[1]};
}

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

made make_synthetic(const section& s, const purpose& p) {
  s.allow({"limit", "segment"});
  if (p.video_channels > 0 && p.sources < 2)
    s.wrong("_target_",
            "synthetic tones have the faces of all of their voices; take model.num_speakers=2, or another data set");
  return {std::make_unique<synthetic_mixtures>(p.sources, length_of(s, p.sample_rate), p.sample_rate, limit_of(s), p.seed,
                                               p.video_channels),
          "synthetic tones"};
}

speech_pool_options pool_options(const section& s, const purpose& p) {
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

made make_dynamic(const section& s, const purpose& p) {
  if (p.video_channels > 0)
    s.wrong("_target_", "recordings of voices have no faces, which the network sees; take datasets=train_av, or a network for ",
            "sound alone");
  s.allow({"folders", "speaker", "min_seconds", "only", "except", "hold_out", "speakers", "in_memory", "memory_mb",
           "skip_unreadable", "segment", "limit", "relative_level", "mean_abs_level", "overlap", "speed", "peak", "pad_short"});
  dynamic_mixing_options o{.sources = static_cast<int>(p.sources), .length = length_of(s, p.sample_rate)};
  if (s.has("relative_level")) {
    const auto [lowest, highest] = pair_of(s, "relative_level", {});
    o.levels = relative_levels{lowest, highest};
  } else {
    const auto [first_mean, first_deviation] = pair_of(s, "mean_abs_level", {-27.43, 2.57}, "[mean, deviation]");
    o.levels = mean_abs_levels{.first_mean = first_mean, .first_deviation = first_deviation};
  }
  std::tie(o.overlap_lowest, o.overlap_highest) = pair_of(s, "overlap", {1, 1});
  std::tie(o.speed_lowest, o.speed_highest) = pair_of(s, "speed", {1, 1});
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

// The largest absolute value of a mixture after the transforms; 0: as it is.
double peak_of(const section& s) {
  if (!s.has("instance_transforms")) return 0;
  s.group("instance_transforms").allow({"whole_item"});
  const section item = s.group("instance_transforms.whole_item");
  item.target({"Compose"});
  double peak = 0;
  for (std::size_t i = 0; i < item.at("transforms").items().size(); ++i) {
    const section t = item.group("transforms." + std::to_string(i));
    t.target({"PeakNormalization"});
    t.allow({"peak_target", "eps"});
    peak = t.get<double>("peak_target", 0.99);
  }
  return peak;
}

// Samples of an item; 0: whole mixtures.
dim_t item_length(const section& s, int rate) {
  if (s.has("segment")) return length_of(s, rate);
  return s.get<bool>("calculate_len", true) ? 0 : length_of(s, rate, "constant_len_value");
}

std::string dataset_of(const section& s) { return config::user_path(s.get<std::string>("dataset_path")); }
std::string partition_of(const section& s) { return s.get<std::string>("partition", ""); }
std::size_t most_mixtures(const section& s) { return static_cast<std::size_t>(limit_of(s)); }
bool any_mixtures(const section& s) { return s.get<bool>("shuffle_index", false); }

// Faces and voices of an item.
void read_faces(const section& s, const purpose& p, const std::string& dataset, mixture_set_options& o) {
  const bool one = s.is("dataset_type", "tss", "bss", false);
  o.voices = one ? item_voices::one : item_voices::all;
  if (p.video_channels == 0) {
    if (one) s.wrong("dataset_type", "tss is for networks that see the face of the target speaker; take bss");
    return;
  }
  if (!s.get<bool>("use_video_data", true)) s.wrong("use_video_data", "the network sees faces; found false");
  const face_folders folders = folders_of_faces(p.all, dataset);
  o.video_channels = p.video_channels;
  if (p.encoder)
    o.faces = std::make_shared<mouth_folder>(folders.mouths, *p.encoder, o.rate);
  else
    o.embeddings = folders.embeddings;
}

made make_mixture_set(const section& s, const purpose& p) {
  s.allow({"dataset_path", "partition", "limit", "max_audio_length", "shuffle_index", "target_sr", "segment", "pad_short",
           "calculate_len", "constant_len_value", "expect_target", "use_video_data", "dataset_type", "instance_transforms"});
  if (const int rate = s.get<int>("target_sr", p.sample_rate); rate != p.sample_rate)
    s.wrong("target_sr", "the network works at ", p.sample_rate, " Hz, found ", rate,
            "; leave it null, or choose another model");
  if (!s.get<bool>("expect_target", true)) s.wrong("expect_target", "training needs the voices of the mixtures; found false");
  const std::string path = dataset_of(s);
  mixture_set_options o{.rate = p.sample_rate, .seed = p.seed, .threads = p.threads};
  read_faces(s, p, path, o);
  o.length = item_length(s, p.sample_rate);
  o.order = p.training ? item_order::shuffled : item_order::fixed;
  o.short_items = s.get<bool>("pad_short", false) ? when_short::pad : when_short::skip;
  o.peak = peak_of(s);
  o.limit = most_mixtures(s);
  o.max_seconds = s.get<double>("max_audio_length", 0);
  o.shuffle_before_limit = any_mixtures(s);
  auto set = std::make_unique<mixture_set>(list_dataset(path, partition_of(s)), o);
  if (set->sources() != p.sources && p.video_channels > 0)
    s.wrong("dataset_type", o.voices == item_voices::one ? "tss" : "bss", " gives items of ", set->sources(),
            set->sources() == 1 ? " face" : " faces", " where the network is trained with ", p.sources,
            "; tss goes with model.num_speakers=1, bss with the number of speakers of a mixture");
  if (set->sources() != p.sources)
    s.wrong("dataset_path", path, " has ", set->sources(), " sources of a mixture where the network gives ", p.sources);
  std::string about = std::to_string(set->mixtures()) + " mixtures of " + path;
  if (o.voices == item_voices::one) about += ", each face in turn";
  if (set->skipped() > 0) about += "; " + std::to_string(set->skipped()) + " are too short or too long";
  return {std::move(set), std::move(about), p.training, true};
}

// The keys of the section that are not null.
std::vector<std::string> part_names(const settings& s) {
  std::vector<std::string> names;
  const config::value all = s.at("datasets");
  for (const config::value::entry& e : all.entries())
    if (!e.item.is_null()) names.push_back(e.key);
  return names;
}

std::string target_of(const section& s) { return s.target({"AVSSDataset", "DynamicMixing", "SyntheticMixtures"}); }

// make(), and which part an error is of.
template <class Make>
auto of_part(const std::string& part, Make&& make) {
  try {
    return make();
  } catch (const error& e) {
    const std::string what = e.what();
    fail(what.starts_with(part) ? "" : part + ": ", what);
  }
}

made make(const settings& settings, const std::string& part, const purpose& p) {
  const section s(settings, part);
  const std::string target = target_of(s);
  const auto make_it = [&] {
    return target == "AVSSDataset"     ? make_mixture_set(s, p)
           : target == "DynamicMixing" ? make_dynamic(s, p)
                                       : make_synthetic(s, p);
  };
  made m = of_part(part, make_it);
  m.about = one_line(part + ": " + m.about);
  return m;
}

}  // namespace

std::vector<seen_mixtures> list_seen_mixtures(const settings& settings) {
  std::vector<seen_mixtures> sets;
  for (const std::string& name : part_names(settings)) {
    const std::string part = "datasets." + name;
    const section s(settings, part);
    if (target_of(s) != "AVSSDataset" || !s.get<bool>("use_video_data", true)) continue;
    seen_mixtures set{dataset_of(s), {}};
    std::vector<mixture_item> items = of_part(part, [&] { return list_dataset(set.dataset, partition_of(s)).items; });
    keep_items(items, most_mixtures(s), any_mixtures(s));
    for (const mixture_item& item : items) set.names.push_back(item.name);
    sets.push_back(std::move(set));
  }
  return sets;
}

train_sources make_train_sources(const settings& s, const item_needs& needs, std::uint64_t seed, int threads,
                                 const std::optional<mouth_encoder>& encoder) {
  const auto make_part = [&](const std::string& name) {
    const std::string part = "datasets." + name;
    return make(s, part, {needs, s, encoder, random_stream(seed, "data", part).bits(0), threads, name == "train"});
  };
  train_sources result;
  made train = make_part("train");
  result.about = train.about;
  result.epoch_items = train.items->count();
  result.train = {"train", nullptr, train.repeats || result.epoch_items > 0};
  if (result.epoch_items > 0 && !train.reorders)
    result.train.items = std::make_unique<shuffled_source>(std::shared_ptr(std::move(train.items)), seed);
  else
    result.train.items = std::move(train.items);
  for (const std::string& name : part_names(s)) {
    if (name == "train") continue;
    made part = make_part(name);
    if (part.items->count() == 0) fail("datasets.", name, ".limit: an evaluation needs a number of items");
    result.about += "\n" + part.about;
    result.others.push_back({name, std::move(part.items), part.repeats});
  }
  return result;
}

}  // namespace avss::tools
