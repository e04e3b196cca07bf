#include "tools/augment_config.hpp"

#include <avss/augment.hpp>
#include <avss/config/command_line.hpp>
#include <avss/core/error.hpp>
#include <avss/io/path_kind.hpp>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace avss::tools {
namespace {

// What the transforms of one data set are read with.
struct reading {
  const sound_kind& kind;
  int threads;
  std::map<std::string, std::shared_ptr<const sound_bank>> banks;  // several may draw from one
  std::string about;
};

any_augmentation read_one(const section& s, reading& r);

draw_range range_of(const section& s, const std::string& key, draw_range fallback) {
  const auto [lowest, highest] = s.pair(key, {fallback.lowest, fallback.highest});
  return {lowest, highest};
}
mel_range hz_of(const section& s, const std::string& key, mel_range fallback) {
  const auto [lowest, highest] = s.pair(key, {fallback.lowest, fallback.highest});
  return {lowest, highest};
}
template <class Range>
Range whole_numbers_of(const section& s, const std::string& key, Range fallback) {
  if (!s.has(key)) return fallback;
  const auto ends = s.get<std::vector<int>>(key);
  if (ends.size() != 2) s.wrong(key, "expected [fewest, most], found a list of ", ends.size());
  return {ends[0], ends[1]};
}

// The sounds of a folder at the items' rate.
std::shared_ptr<const sound_bank> bank_of(const section& s, const std::string& key, const std::string& what, reading& r) {
  if (const int rate = s.get<int>("sample_rate", r.kind.rate); rate != r.kind.rate)
    s.wrong("sample_rate", "the items have ", r.kind.rate, " Hz, found ", rate, "; leave it null: files are resampled");
  if (!s.has(key)) s.wrong(key, "expected a folder of ", what, ": transforms.", key, "=DIR");
  const std::string folder = config::user_path(s.get<std::string>(key));
  if (!is_folder(folder))
    s.wrong(key, folder, ": no such folder; expected ", what, " in audio files (wav, flac, ogg or mp3): give yours with ",
            "transforms.", key, "=DIR, or take transforms=only_peak_normalization");
  const int megabytes = s.get<int>("memory_mb", 1024);
  if (megabytes < 0 || megabytes > 1'000'000) s.wrong("memory_mb", "expected MiB from 0 to 1000000, found ", megabytes);
  const bool skip = s.get<bool>("skip_unreadable", false);
  auto& bank = r.banks[joined(folder, '\n', megabytes, '\n', static_cast<int>(skip))];
  if (bank) return bank;
  bank = std::make_shared<const sound_bank>(folder, what,
                                            sound_bank_options{.rate = r.kind.rate,
                                                               .max_bytes = static_cast<std::size_t>(megabytes) << 20,
                                                               .skip_unreadable = skip,
                                                               .threads = r.threads});
  r.about += "; " + std::to_string(bank->size()) + " " + what + " of " + folder;
  if (bank->unreadable() > 0) r.about += " (" + std::to_string(bank->unreadable()) + " cannot be read)";
  return bank;
}

const std::string bank_keys[] = {"sample_rate", "memory_mb", "skip_unreadable"};

// No other keys than these, and those of folders of sounds.
void allow_bank(const section& s, std::vector<std::string> keys) {
  keys.insert(keys.end(), std::begin(bank_keys), std::end(bank_keys));
  s.allow(std::move(keys));
}

// To a share of the items, said by the key.
any_augmentation with_probability(const section& s, const std::string& key, double fallback, any_augmentation what) {
  const double p = s.get<double>(key, fallback);
  if (!(0 <= p && p <= 1)) s.wrong(key, "expected a probability from 0 to 1, found ", p);
  return p == 1 ? what : any_augmentation(sometimes{p, std::move(what)});
}

// The three of the reference project, with its defaults: to every item, noise and rooms cut off at full scale.
any_augmentation random_background_noise(const section& s, reading& r) {
  allow_bank(s, {"noises_dir", "p_apply", "snr_db_range"});
  return with_probability(
      s, "p_apply", 1,
      background_noise{
          .noises = bank_of(s, "noises_dir", "noises", r), .snr_db = range_of(s, "snr_db_range", {0, 30}), .clamp = true});
}
any_augmentation random_impulse_response(const section& s, reading& r) {
  allow_bank(s, {"irs_dir", "p_apply"});
  return with_probability(s, "p_apply", 1,
                          impulse_response{.responses = bank_of(s, "irs_dir", "impulse responses", r), .clamp = true});
}
any_augmentation peak(const section& s, reading&) {
  s.allow({"peak_target", "eps"});
  return peak_normalization{s.get<double>("peak_target", 0.99), s.get<double>("eps", 1e-8)};
}

any_augmentation add_background_noise(const section& s, reading& r) {
  allow_bank(s, {"noises_dir", "p", "snr_db"});
  return with_probability(
      s, "p", 0.5, background_noise{.noises = bank_of(s, "noises_dir", "noises", r), .snr_db = range_of(s, "snr_db", {3, 30})});
}
any_augmentation apply_impulse_response(const section& s, reading& r) {
  allow_bank(s, {"irs_dir", "p", "compensate_for_propagation_delay", "keep_level"});
  return with_probability(s, "p", 0.5,
                          impulse_response{.responses = bank_of(s, "irs_dir", "impulse responses", r),
                                           .compensate_delay = s.get<bool>("compensate_for_propagation_delay", false),
                                           .keep_level = s.get<bool>("keep_level", true)});
}

// A value whose ranges are read by read(value), applied with probability p.
template <class A, class Read>
auto plain(std::vector<std::string> keys, Read read) {
  return [keys = std::move(keys), read](const section& s, reading&) {
    std::vector<std::string> all = keys;
    all.emplace_back("p");
    s.allow(std::move(all));
    A a;
    read(s, a);
    return with_probability(s, "p", 0.5, a);
  };
}

std::vector<any_augmentation> parts_of(const section& s, const std::string& key, reading& r) {
  std::vector<any_augmentation> parts;
  if (!s.has(key)) return parts;
  if (!s.at(key).is(config::kind::list)) s.wrong(key, "expected a list of transforms, found ", s.at(key).described());
  const std::size_t count = s.at(key).items().size();
  for (std::size_t i = 0; i < count; ++i) parts.push_back(read_one(s.group(key + "." + std::to_string(i)), r));
  return parts;
}

using maker = std::function<any_augmentation(const section&, reading&)>;

std::map<std::string, maker> composed() {
  return {
      {"Compose",
       [](const section& s, reading& r) {
         s.allow({"transforms"});
         return chain_of{parts_of(s, "transforms", r)};
       }},
      {"Sequential",
       [](const section& s, reading& r) {
         s.allow({"_args_"});
         return chain_of{parts_of(s, "_args_", r)};
       }},
      {"OneOf",
       [](const section& s, reading& r) {
         s.allow({"transforms", "p"});
         return with_probability(s, "p", 0.5, choice_of{parts_of(s, "transforms", r)});
       }},
      {"EachSource",
       [](const section& s, reading& r) {
         s.allow({"transforms"});
         return each_source{any_augmentation(chain_of{parts_of(s, "transforms", r)})};
       }},
  };
}

std::map<std::string, maker> of_files_and_levels() {
  return {
      {"RandomBackgroundNoise", random_background_noise},
      {"RandomImpulseResponse", random_impulse_response},
      {"PeakNormalization", peak},
      {"AddBackgroundNoise", add_background_noise},
      {"ApplyImpulseResponse", apply_impulse_response},
      {"RMSNormalization",
       [](const section& s, reading&) {
         s.allow({"rms_target", "eps"});
         return rms_normalization{s.get<double>("rms_target", 0.1), s.get<double>("eps", 1e-8)};
       }},
      {"Gain", plain<gain>({"gain_db"}, [](const section& s, gain& a) { a.db = range_of(s, "gain_db", a.db); })},
      {"PolarityInversion", plain<polarity_inversion>({}, [](const section&, polarity_inversion&) {})},
  };
}

std::map<std::string, maker> of_time_and_noise() {
  return {
      {"Shift", plain<time_shift>({"share", "rollover"},
                                  [](const section& s, time_shift& a) {
                                    a.share = range_of(s, "share", a.share);
                                    a.rollover = s.get<bool>("rollover", a.rollover);
                                  })},
      {"SpeedPerturbation", plain<speed_perturbation>({"factors"},
                                                      [](const section& s, speed_perturbation& a) {
                                                        a.factors = s.get<std::vector<double>>("factors", a.factors);
                                                      })},
      {"TimeInversion", plain<time_inversion>({}, [](const section&, time_inversion&) {})},
      {"AddColoredNoise", plain<coloured_noise>({"snr_db", "exponent"},
                                                [](const section& s, coloured_noise& a) {
                                                  a.snr_db = range_of(s, "snr_db", a.snr_db);
                                                  a.exponent = range_of(s, "exponent", a.exponent);
                                                })},
      {"DropChunk", plain<dropped_chunks>({"count", "seconds"},
                                          [](const section& s, dropped_chunks& a) {
                                            a.count = whole_numbers_of(s, "count", a.count);
                                            a.seconds = range_of(s, "seconds", a.seconds);
                                          })},
      {"Clipping",
       plain<clipping>({"percent"}, [](const section& s, clipping& a) { a.percent = range_of(s, "percent", a.percent); })},
      {"SpecAugment", plain<spectrum_masks>({"bands", "stretches", "widest_hz", "longest_seconds"},
                                            [](const section& s, spectrum_masks& a) {
                                              a.bands = whole_numbers_of(s, "bands", a.bands);
                                              a.stretches = whole_numbers_of(s, "stretches", a.stretches);
                                              a.widest_hz = s.get<double>("widest_hz", a.widest_hz);
                                              a.longest_seconds = s.get<double>("longest_seconds", a.longest_seconds);
                                            })},
  };
}

std::map<std::string, maker> filters() {
  const auto pass = [](const section& s, auto& a) {
    a.hz = hz_of(s, "hz", a.hz);
    a.sections = whole_numbers_of(s, "sections", a.sections);
  };
  const auto band = [](const section& s, auto& a) {
    a.centre = hz_of(s, "centre_hz", a.centre);
    a.width = range_of(s, "width", a.width);
  };
  return {
      {"LowPassFilter", plain<low_pass>({"hz", "sections"}, pass)},
      {"HighPassFilter", plain<high_pass>({"hz", "sections"}, pass)},
      {"BandPassFilter", plain<band_pass>({"centre_hz", "width"}, band)},
      {"BandStopFilter", plain<band_stop>({"centre_hz", "width"}, band)},
      {"RandomEqualizer", plain<random_equalizer>({"gain_db", "peaks", "q"},
                                                  [](const section& s, random_equalizer& a) {
                                                    a.db = range_of(s, "gain_db", a.db);
                                                    a.peaks = s.get<int>("peaks", a.peaks);
                                                    a.q = range_of(s, "q", a.q);
                                                  })},
  };
}

// The closed list of what a configuration may name.
const std::map<std::string, maker>& registry() {
  static const std::map<std::string, maker> all = [] {
    std::map<std::string, maker> m = composed();
    m.merge(of_files_and_levels());
    m.merge(of_time_and_noise());
    m.merge(filters());
    return m;
  }();
  return all;
}

any_augmentation read_one(const section& s, reading& r) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> n;
    for (const auto& [name, make] : registry()) n.push_back(name);
    return n;
  }();
  s.require_section("a transform with a _target_");
  const maker& make = registry().at(s.target(names));
  try {
    any_augmentation a = make(s, r);
    a.check(r.kind);
    return a;
  } catch (const error& e) {
    const std::string what = e.what();
    fail(what.starts_with(s.name()) ? "" : s.name() + ": ", what);
  }
}

}  // namespace

read_transforms read_instance_transforms(const section& data, const sound_kind& kind, int threads) {
  if (!data.has("instance_transforms")) return {};
  const section transforms = data.group("instance_transforms");
  transforms.require_section("whole_item with a chain of transforms");
  transforms.allow({"whole_item"});
  if (!transforms.has("whole_item")) return {};
  reading r{kind, threads, {}, {}};
  any_augmentation what = read_one(transforms.group("whole_item"), r);
  return {std::move(what), std::move(r.about)};
}

}  // namespace avss::tools
