// Mixtures made anew for every item from recordings of single speakers.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/mix_voices.hpp>
#include <avss/data/speech_pool.hpp>
#include <avss/data/when_short.hpp>
#include <avss/dsp/resample.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace avss {

struct dynamic_mixing_options {
  int sources = 2;
  dim_t length = 16000;  // samples of an item
  mix_levels levels = mean_abs_levels{};
  // For which share of the item two sources that follow each other speak at once, drawn for each item: 1: all speak from
  // its beginning to its end, 0: one after the other.
  double overlap_lowest = 1, overlap_highest = 1;
  // How much faster each source is played, in steps of 1/200: 0.95 to 1.05 is usual. Pitch moves along.
  double speed_lowest = 1, speed_highest = 1;
  // A segment whose mean absolute value is below this share of its recording's is drawn again: targets should not be pauses.
  double quietest = 0.1;
  double peak = 0.9;  // the largest absolute sample of mixture and targets, 0: as the levels say
  when_short short_recordings = when_short::skip;
  dim_t count = 0;  // items of a fixed set, 0: endless
  std::uint64_t seed = 1;
};

// Each item has different speakers, drawn in proportion to their numbers of utterances; one utterance of each, one segment
// of each, at a random place. The mixture is the sum of the targets, rounded as float sums in their order.
class dynamic_mixing : public item_source {
 public:
  // Throws error if options make no sense, or if fewer than `sources` speakers have recordings that are long enough.
  dynamic_mixing(std::shared_ptr<const speech_pool> pool, dynamic_mixing_options options)
      : pool_(std::move(pool)), options_(options) {
    check();
    const dim_t needed = samples_read(options_.length, speed_range().second);
    for (std::size_t u = 0; u < pool_->utterances().size(); ++u) {
      if (options_.short_recordings == when_short::pad || pool_->utterances()[u].length >= needed)
        usable_.add(u, pool_->utterances()[u].speaker);
      else
        ++skipped_;
    }
    if (speakers() < static_cast<std::size_t>(options_.sources)) refuse_speakers(needed);
  }

  int sample_rate() const override { return pool_->rate(); }
  dim_t sources() const override { return options_.sources; }
  dim_t length() const override { return options_.length; }
  dim_t count() const override { return options_.count; }
  std::size_t speakers() const { return usable_.speakers(); }  // that have recordings long enough
  std::size_t skipped() const { return skipped_; }             // recordings that are too short

  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    const std::size_t length = static_cast<std::size_t>(options_.length), sources = static_cast<std::size_t>(options_.sources);
    if (mixture.size() != length || targets.size() != sources * length)
      fail("an item has ", length, " samples of mixture and ", sources * length, " of targets; given is room for ",
           mixture.size(), " and ", targets.size());
    const random_stream item(options_.seed, "dynamic_mixing", n);
    const std::vector<std::size_t> chosen = usable_.draw(item.sub("utterances"), sources);

    random_sequence time(item.sub("time"));
    const double overlap = time.uniform(options_.overlap_lowest, options_.overlap_highest);
    std::vector<std::size_t> turn(sources);
    std::iota(turn.begin(), turn.end(), std::size_t{0});
    time.shuffle(std::span(turn));  // the first source is not always the first to speak

    std::vector<std::span<float>> active(sources);
    std::fill(targets.begin(), targets.end(), 0.0f);
    for (std::size_t s = 0; s < sources; ++s) {
      const auto [from, size] = place(turn[s], overlap);
      active[s] = draw_segment(item.sub("segment").sub(s), chosen[s], targets.subspan(s * length + from, size));
    }
    set_levels(options_.levels, random_sequence(item.sub("levels")), active);
    mix_voices(targets, mixture, options_.peak);
  }

 private:
  static constexpr int speed_steps = 200, attempts = 10;

  void check() const {
    const dynamic_mixing_options& o = options_;
    if (o.sources < 1) fail("mixing needs at least one source, not ", o.sources);
    if (o.length < o.sources) fail("mixing needs a positive length, not ", o.length, " samples");
    if (o.count < 0) fail("mixing cannot make ", o.count, " items");
    detail::check_mixing(0 <= o.overlap_lowest && o.overlap_lowest <= o.overlap_highest && o.overlap_highest <= 1, "overlap",
                         o.overlap_lowest, o.overlap_highest, "shares from 0 to 1, the lower first");
    detail::check_mixing(0.5 <= o.speed_lowest && o.speed_lowest <= o.speed_highest && o.speed_highest <= 2, "speed",
                         o.speed_lowest, o.speed_highest, "factors from 0.5 to 2, the lower first");
    detail::check_mixing(speed_range().first <= speed_range().second, "speed", o.speed_lowest, o.speed_highest,
                         "a range that holds a multiple of 0.005");
    detail::check_mixing(0 <= o.peak && o.peak <= 1, "a peak", o.peak, o.peak, "a level from 0 to 1");
    detail::check_mixing(0 <= o.quietest && o.quietest < 1, "a quietest share", o.quietest, o.quietest, "a share from 0 to 1");
    detail::check_levels(o.levels);
  }

  [[noreturn]] void refuse_speakers(dim_t needed) const {
    const std::size_t all = pool_->speakers().size();
    if (all < static_cast<std::size_t>(options_.sources))
      fail(pool_->where(), ": mixtures of ", options_.sources, " speakers need as many, found ", all, " (",
           pool_->speakers().front(), "); check the speaker rule, or add recordings of others");
    fail(pool_->where(), ": mixtures of ", options_.sources, " speakers need as many, and ", speakers(), " of ", all,
         " have a recording of ", needed, " samples (", static_cast<double>(needed) / pool_->rate(),
         " s) or more; take a shorter length, or pad");
  }

  // Speeds as numbers of steps, the lowest and the highest.
  std::pair<dim_t, dim_t> speed_range() const {
    constexpr double rounding = 1e-9;
    return {static_cast<dim_t>(std::ceil(options_.speed_lowest * speed_steps - rounding)),
            static_cast<dim_t>(std::floor(options_.speed_highest * speed_steps + rounding))};
  }

  // What is read to play `length` samples at a speed.
  static dim_t samples_read(dim_t length, dim_t steps) { return (length * steps + speed_steps - 1) / speed_steps; }

  // First sample and number of samples of the source that speaks as number `turn`: all have the same length, the first
  // starts with the item and the last ends with it.
  std::pair<std::size_t, std::size_t> place(std::size_t turn, double overlap) const {
    const double n = options_.sources, length = static_cast<double>(options_.length);
    const double share = (1 + (n - 1) * overlap) / n;
    const std::size_t size = static_cast<std::size_t>(std::clamp(std::round(share * length), 1.0, length));
    const std::size_t room = static_cast<std::size_t>(options_.length) - size;
    return {options_.sources == 1 ? 0 : room * turn / static_cast<std::size_t>(options_.sources - 1), size};
  }

  // Puts a segment of utterance u into `out`; returns the part of it that holds the recording.
  std::span<float> draw_segment(random_stream stream, std::size_t u, std::span<float> out) const {
    const std::shared_ptr<const recording> speech = pool_->load(u);
    random_sequence random(stream);
    const auto [slow, fast] = speed_range();
    const dim_t steps = slow + static_cast<dim_t>(random.below(static_cast<std::uint64_t>(fast - slow + 1)));
    const dim_t wanted = samples_read(static_cast<dim_t>(out.size()), steps);
    const dim_t room = std::max<dim_t>(0, speech->length() - wanted);  // starts to choose from, less one
    std::vector<float> read(static_cast<std::size_t>(std::min(wanted, speech->length())));
    for (int attempt = 0;; ++attempt) {
      // The last one is around the loudest sample, so that no target is silent.
      const dim_t begin = attempt < attempts ? static_cast<dim_t>(random.below(static_cast<std::uint64_t>(room) + 1))
                                             : std::clamp<dim_t>(speech->peak_at() - wanted / 2, 0, room);
      speech->read(begin, read);
      if (room == 0 || attempt == attempts || detail::mean_abs(read) > options_.quietest * speech->level()) break;
    }
    if (steps != speed_steps) read = resample<float>(read, steps, speed_steps);
    const std::size_t size = std::min(read.size(), out.size());
    const std::span<float> active = out.subspan(static_cast<std::size_t>(random.below(out.size() - size + 1)), size);
    std::copy_n(read.begin(), size, active.begin());
    return active;
  }

  std::shared_ptr<const speech_pool> pool_;
  dynamic_mixing_options options_;
  speaker_groups usable_;
  std::size_t skipped_ = 0;
};

}  // namespace avss
