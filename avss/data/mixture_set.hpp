// Items of a fixed data set of mixtures and their ground truth.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/core/permutation.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/signal_stream.hpp>
#include <avss/data/when_short.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/audio_reader.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

enum class item_order {
  fixed,     // item n is the data set's item n, cut at its beginning: evaluation
  shuffled,  // every epoch in an order of its own, cut at random places: training
};

struct mixture_set_options {
  int rate = 8000;   // Hz; files of other rates are resampled
  dim_t length = 0;  // samples of an item at `rate`, 0: whole, and all must be of one length
  item_order order = item_order::fixed;
  when_short short_items = when_short::skip;
  double peak = 0;                    // of the mixture, 0: as it is; targets get the same gain
  double max_seconds = 0;             // longer items are left out, 0: none is
  std::size_t limit = 0;              // so many items alone, the first by name, 0: all
  bool shuffle_before_limit = false;  // or items chosen at random, always the same ones
  std::uint64_t seed = 1;
  int threads = 1;  // to look into the files
};

// Files are read each time that an item is made. Item n is of epoch n / count().
class mixture_set : public item_source {
 public:
  // Throws error for a list without ground truth, files that cannot be opened or whose rates or lengths do not match, items
  // of several lengths where no length is given, and if no item is long enough.
  mixture_set(mixture_list list, mixture_set_options options) : options_(options), folder_(list.folder.string()) {
    if (options_.rate <= 0) fail("a data set cannot have a sample rate of ", options_.rate, " Hz");
    if (options_.length < 0) fail("a data set cannot have items of ", options_.length, " samples");
    if (!(options_.max_seconds >= 0)) fail("a data set cannot have items of ", options_.max_seconds, " s at most");
    if (!(options_.peak >= 0 && options_.peak <= 1)) fail("a peak of ", options_.peak, " is asked for; expected 0 to 1");
    if (list.sources == 0) fail(folder_, ": has no ground truth; expected s1/, s2/, ... beside mix/");
    sources_ = static_cast<dim_t>(list.sources);
    choose(list.items);
    examine(list.items);
  }

  dim_t sources() const override { return sources_; }
  dim_t length() const override { return length_; }
  int sample_rate() const override { return options_.rate; }
  dim_t count() const override { return static_cast<dim_t>(items_.size()); }
  std::size_t skipped() const { return skipped_; }  // items that are too short or too long

  // The data set's item that item n is made of.
  const mixture_item& item(std::uint64_t n) const { return items_[index(n)].files; }

  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    const std::size_t length = static_cast<std::size_t>(length_), sources = static_cast<std::size_t>(sources_);
    if (mixture.size() != length || targets.size() != sources * length)
      fail("an item has ", length, " samples of mixture and ", sources * length, " of targets; given is room for ",
           mixture.size(), " and ", targets.size());
    const entry& e = items_[index(n)];
    // Where the item begins in the recording, or the recording in a longer item.
    dim_t skip = 0, delay = 0;
    if (options_.order == item_order::shuffled) {
      const random_stream random(options_.seed, "mixture_set", "crop", n);
      const auto draw = [&](dim_t room) {
        return room <= 0 ? 0 : static_cast<dim_t>(random.below(static_cast<std::uint64_t>(room) + 1, 0));
      };
      skip = draw(e.length - length_);
      delay = draw(length_ - e.length);
    }
    read(e.files.mixture, skip, delay, e.length, mixture);
    for (std::size_t s = 0; s < sources; ++s)
      read(e.files.sources[s], skip, delay, e.length, targets.subspan(s * length, length));
    if (options_.peak > 0) scale(mixture, targets);
  }

 private:
  struct entry {
    mixture_item files;
    dim_t length = 0;  // samples at the data set's rate
  };

  void choose(std::vector<mixture_item>& items) const {
    if (options_.limit == 0 || items.size() <= options_.limit) return;
    constexpr std::uint64_t always = 42;
    if (options_.shuffle_before_limit) random_stream(always, "mixture_set", "limit").shuffle(std::span(items));
    items.resize(options_.limit);
  }

  void examine(const std::vector<mixture_item>& items) {
    std::vector<dim_t> lengths(items.size());
    std::vector<std::string> why(items.size());
    parallel_for(options_.threads, static_cast<dim_t>(items.size()), [&](dim_t i, int) {
      const std::size_t at = static_cast<std::size_t>(i);
      try {
        const audio_info info = check_item(items[at]);
        lengths[at] = resampled_length(info.frames, info.rate, options_.rate);
      } catch (const std::exception& e) {
        why[at] = e.what();
      }
    });
    for (const std::string& w : why)
      if (!w.empty()) fail(w);
    for (std::size_t i = 0; i < items.size(); ++i)
      if (options_.max_seconds == 0 || static_cast<double>(lengths[i]) <= options_.max_seconds * options_.rate)
        items_.push_back({items[i], lengths[i]});
    if (items_.empty()) fail(folder_, ": all of its ", items.size(), " items are longer than ", options_.max_seconds, " s");
    const auto by_length = [](const entry& a, const entry& b) { return a.length < b.length; };
    const auto ends = std::minmax_element(items_.begin(), items_.end(), by_length);
    const dim_t shortest = ends.first->length, longest = ends.second->length;
    if (options_.length == 0 && shortest != longest)
      fail(folder_, ": items are of ", shortest, " to ", longest, " samples at ", options_.rate,
           " Hz; give one length for all");
    length_ = options_.length == 0 ? longest : options_.length;
    if (options_.short_items == when_short::skip) std::erase_if(items_, [&](const entry& e) { return e.length < length_; });
    if (items_.empty())
      fail(folder_, ": none of ", items.size(), " items has ", length_, " samples at ", options_.rate, " Hz (",
           static_cast<double>(length_) / options_.rate, " s), the longest has ", longest, "; take a shorter length, or pad");
    skipped_ = items.size() - items_.size();
  }

  std::size_t index(std::uint64_t n) const {
    const std::uint64_t count = items_.size(), epoch = n / count;
    if (options_.order == item_order::fixed) return n % count;
    return random_permutation(random_stream(options_.seed, "mixture_set", "order", epoch), count)(n % count);
  }

  // Samples skip, skip + 1, ... of a file that has `available`, from out[delay] on; silence elsewhere.
  void read(const std::filesystem::path& file, dim_t skip, dim_t delay, dim_t available, std::span<float> out) const {
    signal_stream stream(file, options_.rate);
    std::fill(out.begin(), out.end(), 0.0f);
    std::vector<float> block(4096);
    for (dim_t left = skip; left > 0;) {
      const std::size_t got = stream.read(std::span(block).first(static_cast<std::size_t>(std::min<dim_t>(left, 4096))));
      if (got == 0) break;
      left -= static_cast<dim_t>(got);
    }
    const std::size_t wanted =
        std::min(out.size() - static_cast<std::size_t>(delay), static_cast<std::size_t>(available - skip));
    const std::size_t got = stream.read(out.subspan(static_cast<std::size_t>(delay), wanted));
    if (got != wanted)
      fail(file.string(), ": gives ", skip + static_cast<dim_t>(got), " samples at ", options_.rate, " Hz, ",
           skip + static_cast<dim_t>(wanted), " were there when the data set was opened");
  }

  // A silent mixture stays silent.
  void scale(std::span<float> mixture, std::span<float> targets) const {
    double top = 1e-8;
    for (const float v : mixture) top = std::max<double>(top, std::abs(v));
    const double gain = options_.peak / top;
    for (float& v : mixture) v = static_cast<float>(v * gain);
    for (float& v : targets) v = static_cast<float>(v * gain);
  }

  mixture_set_options options_;
  std::string folder_;
  std::vector<entry> items_;
  dim_t sources_ = 0, length_ = 0;
  std::size_t skipped_ = 0;
};

}  // namespace avss
