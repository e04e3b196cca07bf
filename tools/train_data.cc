#include "tools/train_data.hpp"

#include <avss/augment/augmented_source.hpp>
#include <avss/augment/item.hpp>
#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/mixture_set.hpp>
#include <avss/data/synthetic_mixtures.hpp>
#include <avss/train/batches.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/augment_config.hpp"
#include "tools/data_part.hpp"
#include "tools/dynamic_data.hpp"
#include "tools/section.hpp"

namespace avss::tools {
namespace {

using config::settings;

data_part make_synthetic(const section& s, const data_purpose& p) {
  s.allow({"limit", "segment", "instance_transforms"});
  if (p.video_channels > 0 && p.sources < 2)
    s.wrong("_target_",
            "synthetic tones have the faces of all of their voices; take model.num_speakers=2, or another data set");
  return {std::make_unique<synthetic_mixtures>(p.sources, length_of(s, p.sample_rate), p.sample_rate, limit_of(s), p.seed,
                                               p.video_channels),
          "synthetic tones"};
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
void read_faces(const section& s, const data_purpose& p, const std::string& dataset, mixture_set_options& o) {
  const bool one = one_voice(s, false);
  o.voices = one ? item_voices::one : item_voices::all;
  if (p.video_channels == 0) {
    if (one) s.wrong("dataset_type", "tss is for networks that see the face of the target speaker; take bss");
    return;
  }
  if (!s.get<bool>("use_video_data", true)) s.wrong("use_video_data", "the network sees faces; found false");
  o.faces = faces_of(p, dataset);
}

data_part make_mixture_set(const section& s, const data_purpose& p) {
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

std::string target_of(const section& s) {
  return s.target({"AVSSDataset", "DynamicMixing", "DynamicFaces", "SyntheticMixtures"});
}

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

data_part make(const settings& settings, const std::string& part, const data_purpose& p) {
  const section s(settings, part);
  const std::string target = target_of(s);
  const auto make_it = [&] {
    return target == "AVSSDataset"     ? make_mixture_set(s, p)
           : target == "DynamicMixing" ? make_dynamic_mixing(s, p)
           : target == "DynamicFaces"  ? make_dynamic_faces(s, p)
                                       : make_synthetic(s, p);
  };
  return of_part(part, make_it);
}

// The part's items after its transforms; of a fixed set, shuffled anew in every epoch where they are trained on. What augments
// an item depends on its number in the whole run, so that an epoch's differ from those of the one before.
std::unique_ptr<const item_source> transformed(data_part& m, const section& s, const std::string& part, const data_purpose& p) {
  std::unique_ptr<const item_source> items = std::move(m.items);
  if (p.training && items->count() > 0 && !m.reorders)
    items = std::make_unique<shuffled_source>(std::shared_ptr(std::move(items)), p.run_seed);
  const sound_kind kind{items->sample_rate(), items->length(), items->video().size() > 0};
  read_transforms transforms = of_part(part, [&] { return read_instance_transforms(s, kind, p.threads); });
  m.about = one_line(part + ": " + m.about + transforms.about);
  if (!transforms.what) return items;
  return std::make_unique<augmented_source>(std::move(items), std::move(*transforms.what), p.seed);
}

// Whole batches are not transformed.
void refuse_batch_transforms(const settings& s) {
  for (const char* const key : {"transforms.batch_transforms.train", "transforms.batch_transforms.inference"})
    if (s.has(key) && !s.at(key).is_null())
      fail(key, ": transforms of whole batches are not known, found ", s.at(key).described(),
           "; give null, and put transforms into transforms.instance_transforms");
}

}  // namespace

std::vector<seen_mixtures> list_seen_mixtures(const settings& settings) {
  std::vector<seen_mixtures> sets;
  for (const std::string& name : part_names(settings)) {
    const std::string part = "datasets." + name;
    const section s(settings, part);
    const std::string target = target_of(s);
    if ((target != "AVSSDataset" && target != "DynamicFaces") || !s.get<bool>("use_video_data", true)) continue;
    seen_mixtures set{dataset_of(s), {}};
    std::vector<mixture_item> items = of_part(part, [&] { return list_dataset(set.dataset, partition_of(s)).items; });
    if (target == "AVSSDataset") keep_items(items, most_mixtures(s), any_mixtures(s));
    for (const mixture_item& item : items) set.names.push_back(item.name);
    sets.push_back(std::move(set));
  }
  return sets;
}

train_sources make_train_sources(const settings& s, const item_needs& needs, std::uint64_t seed, int threads,
                                 const std::optional<mouth_encoder>& encoder) {
  refuse_batch_transforms(s);
  const auto purpose_of = [&](const std::string& name) {
    const std::string part = "datasets." + name;
    // What runs are compared by is the same for every seed of training.
    constexpr std::uint64_t of_evaluation = 1;
    const std::uint64_t own = name == "train" ? seed : of_evaluation;
    return data_purpose{needs, s, encoder, random_stream(own, "data", part).bits(0), seed, threads, name == "train"};
  };
  train_sources result;
  // What was found, and the items as they are taken.
  const auto make_part = [&](const std::string& name) {
    const std::string part = "datasets." + name;
    const data_purpose purpose = purpose_of(name);
    data_part made = make(s, part, purpose);
    if (name == "train")
      result.epoch_items = made.items->count();
    else if (made.items->count() == 0)
      fail(part, ".limit: an evaluation needs a number of items");
    const bool repeats = made.repeats || (name == "train" && made.items->count() > 0);
    item_part finished{name, transformed(made, section(s, part), part, purpose), repeats};
    result.about += (result.about.empty() ? "" : "\n") + made.about;
    return finished;
  };
  result.train = make_part("train");
  for (const std::string& name : part_names(s))
    if (name != "train") result.others.push_back(make_part(name));
  return result;
}

}  // namespace avss::tools
