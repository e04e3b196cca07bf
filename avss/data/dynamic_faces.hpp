// Mixtures made anew for every item from single speakers with their faces, as a data set of mixtures holds them.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/face_layout.hpp>
#include <avss/data/face_source.hpp>
#include <avss/data/mix_voices.hpp>
#include <avss/data/mixture_entry.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/mixture_set.hpp>
#include <avss/data/recording.hpp>
#include <avss/data/speaker_rule.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

struct dynamic_faces_options {
  int rate = 16000;                       // Hz; files of other rates are resampled
  dim_t length = 32000;                   // samples of an item; shorter voices are left out
  int speakers = 2;                       // of a mixture
  item_voices voices = item_voices::one;  // the targets: the first speaker drawn, or all of them
  mix_levels levels = relative_levels{};
  std::optional<speaker_rule> speaker = {};  // who speaks, of an id as if it were a file's name; none: each id is a speaker
  double quietest = 0.1;                     // as dynamic_mixing's
  double peak = 0.9;                         // the largest absolute sample of mixture and voices, 0: as the levels say
  std::shared_ptr<const face_source> faces = nullptr;
  bool vary_faces = true;  // where their source can, anew for every item; otherwise faces are seen as they are
  dim_t count = 0;         // items of a fixed set, 0: endless
  std::size_t max_bytes = std::size_t{1} << 30;  // of decoded voices in memory; those used last are kept
  std::uint64_t seed = 1;
  int threads = 1;  // to look into the files
};

// Voices are the s1, s2, ... of mixtures ID1_ID2, each with the face of its own ID; of an ID that is in several mixtures, the
// longest. Each item has different speakers, so never one ID twice; a segment of each begins with a video frame, and features
// are those of the same time.
class dynamic_faces final : public item_source {
 public:
  // Throws error for options that make no sense, files that cannot be read, faces that are missing or of another length than
  // their voice, and for fewer speakers with voices long enough than a mixture has.
  dynamic_faces(const mixture_list& list, dynamic_faces_options options) : options_(std::move(options)) {
    check(list);
    std::vector<mixture_entry> entries = measure_mixtures(list.items, options_.rate, options_.threads);
    find_faces(*options_.faces, entries, list.sources, options_.threads);
    gather(entries);
    if (by_speaker_.speakers() < static_cast<std::size_t>(options_.speakers))
      fail(list.folder.string(), ": mixtures of ", options_.speakers, " speakers need as many, and ", by_speaker_.speakers(),
           " have a voice of ", options_.length, " samples (", static_cast<double>(options_.length) / options_.rate,
           " s) or more; take a shorter length, or check the speaker rule");
    cache_ = std::make_unique<recording_cache>(options_.max_bytes);
  }

  int sample_rate() const override { return options_.rate; }
  dim_t sources() const override { return options_.voices == item_voices::one ? 1 : options_.speakers; }
  dim_t length() const override { return options_.length; }
  dim_t count() const override { return options_.count; }
  video_extent video() const override {
    return {sources(), options_.faces->channels(), options_.faces->frames_of(options_.length)};
  }
  std::size_t voices() const { return voices_.size(); }            // that are long enough
  std::size_t speakers() const { return by_speaker_.speakers(); }  // of them
  std::size_t skipped() const { return skipped_; }                 // voices that are too short

  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    const std::size_t length = static_cast<std::size_t>(options_.length), each = static_cast<std::size_t>(sources());
    if (mixture.size() != length || targets.size() != each * length)
      fail("an item has ", length, " samples of mixture and ", each * length, " of targets; given is room for ", mixture.size(),
           " and ", targets.size());
    const random_stream item = stream(n);
    const std::vector<std::size_t> chosen = choose(item);
    std::vector<float> voices(chosen.size() * length);
    std::vector<std::span<float>> active;
    for (std::size_t s = 0; s < chosen.size(); ++s) {
      active.push_back(std::span(voices).subspan(s * length, length));
      (void)place(item, s, chosen[s], active[s]);
    }
    set_levels(options_.levels, random_sequence(item.sub("levels")), active);
    mix_voices(voices, mixture, options_.peak);
    std::copy_n(voices.begin(), targets.size(), targets.begin());
  }

  void make_features(std::uint64_t n, std::span<float> features) const override {
    const std::size_t size = static_cast<std::size_t>(video().size()), each = size / static_cast<std::size_t>(sources());
    if (features.size() != size) fail("an item has ", size, " features of its faces; given is room for ", features.size());
    const random_stream item = stream(n);
    const std::vector<std::size_t> chosen = choose(item);
    std::vector<float> heard(static_cast<std::size_t>(options_.length));
    for (std::size_t s = 0; s * each < size; ++s) {
      const voice& v = voices_[chosen[s]];
      const dim_t first = place(item, s, chosen[s], heard) / options_.faces->samples_per_frame();
      std::optional<random_stream> draw;
      if (options_.vary_faces) draw.emplace(item.sub("face").sub(s));
      options_.faces->read(v.face, v.length, v.sound, first, draw, features.subspan(s * each, each));
    }
  }

 private:
  struct voice {
    std::string id;
    std::filesystem::path sound, face;
    dim_t length = 0;  // samples
  };
  static constexpr int attempts = 10;

  void check(const mixture_list& list) const {
    const dynamic_faces_options& o = options_;
    if (!o.faces) fail("mixing of faces needs their features");
    if (o.speakers < 1) fail("mixing needs at least one speaker, not ", o.speakers);
    if (o.length < 1) fail("mixing needs a positive length, not ", o.length, " samples");
    if (o.count < 0) fail("mixing cannot make ", o.count, " items");
    detail::check_mixing(0 <= o.peak && o.peak <= 1, "a peak", o.peak, o.peak, "a level from 0 to 1");
    detail::check_mixing(0 <= o.quietest && o.quietest < 1, "a quietest share", o.quietest, o.quietest, "a share from 0 to 1");
    detail::check_levels(o.levels);
    if (list.sources == 0) fail(list.folder.string(), ": has no voices of single speakers; expected s1/, s2/, ... beside mix/");
  }

  // One voice for each id, speaker by speaker.
  void gather(const std::vector<mixture_entry>& entries) {
    std::map<std::pair<std::string, std::string>, voice> by_id;  // (speaker, id)
    for (const mixture_entry& e : entries) {
      const std::vector<std::string> ids = face_ids(e.files.name);
      for (std::size_t s = 0; s < ids.size(); ++s) {
        const std::string speaker = options_.speaker ? (*options_.speaker)("", ids[s] + ".wav") : ids[s];
        voice& v = by_id[{speaker, ids[s]}];
        if (e.length > v.length) v = {ids[s], e.files.sources[s], e.faces[s], e.length};
      }
    }
    std::string last;
    std::size_t speaker = 0;
    for (auto& [key, v] : by_id) {
      if (v.length < options_.length) {
        ++skipped_;
        continue;
      }
      if (key.first != last) ++speaker, last = key.first;
      by_speaker_.add(voices_.size(), speaker);
      voices_.push_back(std::move(v));
    }
  }

  random_stream stream(std::uint64_t n) const { return random_stream(options_.seed, "dynamic_faces", n); }
  std::vector<std::size_t> choose(const random_stream& item) const {
    return by_speaker_.draw(item.sub("voices"), static_cast<std::size_t>(options_.speakers));
  }

  // Reads the segment of the item's speaker s into `out`; returns where it begins.
  dim_t place(const random_stream& item, std::size_t s, std::size_t v, std::span<float> out) const {
    const auto speech = cache_->get(v, [&] { return load_recording(voices_[v].sound, options_.rate); });
    const random_stream random = item.sub("segment").sub(s);
    const dim_t step = options_.faces->samples_per_frame(), room = (speech->length() - options_.length) / step;  // in frames
    for (int attempt = 0;; ++attempt) {
      // The last one is around the loudest sample, so that no target is silent.
      const dim_t frame =
          attempt < attempts
              ? static_cast<dim_t>(random.below(static_cast<std::uint64_t>(room) + 1, static_cast<std::uint64_t>(attempt)))
              : std::clamp<dim_t>((speech->peak_at() - options_.length / 2) / step, 0, room);
      speech->read(frame * step, out);
      if (room == 0 || attempt == attempts || detail::mean_abs(out) > options_.quietest * speech->level()) return frame * step;
    }
  }

  dynamic_faces_options options_;
  std::vector<voice> voices_;
  speaker_groups by_speaker_;
  std::size_t skipped_ = 0;
  std::unique_ptr<recording_cache> cache_;
};

}  // namespace avss
