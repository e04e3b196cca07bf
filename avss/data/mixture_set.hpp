// Items of a fixed data set of mixtures and their ground truth.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/permutation.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/face_folder.hpp>
#include <avss/data/face_source.hpp>
#include <avss/data/mixture_entry.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/signal_stream.hpp>
#include <avss/data/when_short.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

enum class item_order {
  fixed,     // item n is the data set's item n, cut at its beginning: evaluation
  shuffled,  // every epoch in an order of its own, cut at random places: training
};

enum class item_voices {
  all,  // an item is a mixture with all of its sources (and their faces)
  one   // an item is a mixture with one of its sources (and its face); each mixture is as many items as it has sources
};

struct mixture_set_options {
  int rate = 8000;   // Hz; files of other rates are resampled
  dim_t length = 0;  // samples of an item at `rate`, 0: whole, and all must be of one length
  item_order order = item_order::fixed;
  when_short short_items = when_short::skip;
  double max_seconds = 0;             // longer items are left out, 0: none is
  std::size_t limit = 0;              // so many items alone, the first by name, 0: all
  bool shuffle_before_limit = false;  // or items chosen at random, always the same ones
  item_voices voices = item_voices::all;
  std::filesystem::path embeddings = {};  // the folder of the faces' lip embeddings; empty: sound alone
  dim_t video_channels = 512;             // of the embeddings
  // In place of embeddings: what the faces are read from; where items are shuffled it may vary them, anew in every epoch.
  std::shared_ptr<const face_source> faces = nullptr;
  std::uint64_t seed = 1;
  int threads = 1;  // to look into the files
};

// The first `limit` items by name, or as many chosen at random, always the same ones; all where limit is 0.
inline void keep_items(std::vector<mixture_item>& items, std::size_t limit, bool at_random) {
  if (limit == 0 || items.size() <= limit) return;
  constexpr std::uint64_t always = 42;
  if (at_random) random_stream(always, "mixture_set", "limit").shuffle(std::span(items));
  items.resize(limit);
}

// Files are read each time that an item is made. Item n is of epoch n / count(). With faces, items begin with a video frame.
class mixture_set : public item_source {
 public:
  // Throws error for a list without ground truth, files that cannot be opened or whose rates or lengths do not match, items
  // of several lengths where no length is given, and if no item is long enough; with faces, too,
  // for mixtures whose embeddings are missing or of another length.
  mixture_set(mixture_list list, mixture_set_options options) : options_(options), folder_(list.folder.string()) {
    if (options_.rate <= 0) fail("a data set cannot have a sample rate of ", options_.rate, " Hz");
    if (options_.length < 0) fail("a data set cannot have items of ", options_.length, " samples");
    if (!(options_.max_seconds >= 0)) fail("a data set cannot have items of ", options_.max_seconds, " s at most");
    if (list.sources == 0) fail(folder_, ": has no ground truth; expected s1/, s2/, ... beside mix/");
    sources_ = static_cast<dim_t>(list.sources);
    faces_ = options_.faces;
    if (!faces_ && !options_.embeddings.empty())
      faces_ = std::make_shared<face_folder>(options_.embeddings, options_.video_channels, options_.rate);
    keep_items(list.items, options_.limit, options_.shuffle_before_limit);
    examine(list.items);
    if (faces_) find_faces(*faces_, items_, static_cast<std::size_t>(sources_), options_.threads);
  }

  dim_t sources() const override { return options_.voices == item_voices::one ? 1 : sources_; }
  dim_t length() const override { return length_; }
  int sample_rate() const override { return options_.rate; }
  video_extent video() const override {
    return faces_ ? video_extent{sources(), faces_->channels(), faces_->frames_of(length_)} : video_extent{};
  }
  dim_t count() const override { return static_cast<dim_t>(items_.size()) * items_per_mixture(); }
  dim_t mixtures() const { return static_cast<dim_t>(items_.size()); }
  std::size_t skipped() const { return skipped_; }  // items that are too short or too long

  // The data set's mixture that item n is made of.
  const mixture_item& item(std::uint64_t n) const { return place_of(n).from.files; }

  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    const std::size_t length = static_cast<std::size_t>(length_), each = static_cast<std::size_t>(sources());
    if (mixture.size() != length || targets.size() != each * length)
      fail("an item has ", length, " samples of mixture and ", each * length, " of targets; given is room for ", mixture.size(),
           " and ", targets.size());
    const place p = place_of(n);
    read(p.from.files.mixture, p, mixture);
    for (std::size_t s = 0; s < each; ++s) read(p.from.files.sources[p.first + s], p, targets.subspan(s * length, length));
  }

  void make_features(std::uint64_t n, std::span<float> features) const override {
    const std::size_t each = static_cast<std::size_t>(sources()), size = static_cast<std::size_t>(video().size());
    if (features.size() != size) fail("an item has ", size, " features of its faces; given is room for ", features.size());
    if (!faces_) return;
    const place p = place_of(n);
    const dim_t first = (p.skip - p.delay) / faces_->samples_per_frame();
    for (std::size_t s = 0; s < each; ++s) {
      std::optional<random_stream> draw;
      if (options_.order == item_order::shuffled) draw.emplace(options_.seed, "mixture_set", "face", n, s);
      faces_->read(p.from.faces[p.first + s], p.from.length, p.from.files.mixture, first, draw,
                   features.subspan(s * (size / each), size / each));
    }
  }

 private:
  // Where an item is taken from.
  struct place {
    const mixture_entry& from;
    std::size_t first = 0;      // of its sources
    dim_t skip = 0, delay = 0;  // samples: where the item begins in the recording, or the recording in a longer item
  };

  void examine(const std::vector<mixture_item>& items) {
    items_ = measure_mixtures(items, options_.rate, options_.threads);
    if (options_.max_seconds > 0)
      std::erase_if(
          items_, [&](const mixture_entry& e) { return static_cast<double>(e.length) > options_.max_seconds * options_.rate; });
    if (items_.empty()) fail(folder_, ": all of its ", items.size(), " items are longer than ", options_.max_seconds, " s");
    const auto by_length = [](const mixture_entry& a, const mixture_entry& b) { return a.length < b.length; };
    const auto ends = std::minmax_element(items_.begin(), items_.end(), by_length);
    const dim_t shortest = ends.first->length, longest = ends.second->length;
    if (options_.length == 0 && shortest != longest)
      fail(folder_, ": items are of ", shortest, " to ", longest, " samples at ", options_.rate,
           " Hz; give one length for all");
    length_ = options_.length == 0 ? longest : options_.length;
    if (options_.short_items == when_short::skip)
      std::erase_if(items_, [&](const mixture_entry& e) { return e.length < length_; });
    if (items_.empty())
      fail(folder_, ": none of ", items.size(), " items has ", length_, " samples at ", options_.rate, " Hz (",
           static_cast<double>(length_) / options_.rate, " s), the longest has ", longest, "; take a shorter length, or pad");
    skipped_ = items.size() - items_.size();
  }

  dim_t items_per_mixture() const { return options_.voices == item_voices::one ? sources_ : 1; }

  place place_of(std::uint64_t n) const {
    const std::uint64_t all = static_cast<std::uint64_t>(count()), each = static_cast<std::uint64_t>(items_per_mixture());
    const bool shuffled = options_.order == item_order::shuffled;
    const std::uint64_t i =
        shuffled ? random_permutation(random_stream(options_.seed, "mixture_set", "order", n / all), all)(n % all) : n % all;
    place p{items_[i / each], i % each};
    if (!shuffled) return p;
    const random_stream random(options_.seed, "mixture_set", "crop", n);
    const auto draw = [&, step = faces_ ? faces_->samples_per_frame() : 1](dim_t room) {
      return room <= 0 ? 0 : static_cast<dim_t>(random.below(static_cast<std::uint64_t>(room / step) + 1, 0)) * step;
    };
    p.skip = draw(p.from.length - length_);
    p.delay = draw(length_ - p.from.length);
    return p;
  }

  // The item's stretch of a file, and silence where the item is longer.
  void read(const std::filesystem::path& file, const place& p, std::span<float> out) const {
    signal_stream stream(file, options_.rate);
    std::fill(out.begin(), out.end(), 0.0f);
    std::vector<float> block(4096);
    for (dim_t left = p.skip; left > 0;) {
      const std::size_t got = stream.read(std::span(block).first(static_cast<std::size_t>(std::min<dim_t>(left, 4096))));
      if (got == 0) break;
      left -= static_cast<dim_t>(got);
    }
    const std::size_t delay = static_cast<std::size_t>(p.delay),
                      wanted = std::min(out.size() - delay, static_cast<std::size_t>(p.from.length - p.skip));
    const std::size_t got = stream.read(out.subspan(delay, wanted));
    if (got != wanted)
      fail(file.string(), ": gives ", p.skip + static_cast<dim_t>(got), " samples at ", options_.rate, " Hz, ",
           p.skip + static_cast<dim_t>(wanted), " were there when the data set was opened");
  }

  mixture_set_options options_;
  std::string folder_;
  std::shared_ptr<const face_source> faces_;
  std::vector<mixture_entry> items_;
  dim_t sources_ = 0, length_ = 0;  // of a mixture; of an item
  std::size_t skipped_ = 0;
};

}  // namespace avss
