// Mixtures made anew for every item from recordings of single speakers.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
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
#include <variant>
#include <vector>

namespace avss {

// Mean absolute values in dB as SpeechBrain's recipes for WSJ0Mix and LibriMix draw them: normal for the first source, normal
// relative to the first for the others, all clipped.
struct mean_abs_levels {
  double first_mean = -27.43, first_deviation = 2.57;
  double other_mean = -2.51, other_deviation = 2.66;
  double lowest = -45, highest = 0;
};

// Energies of the other sources relative to the first, uniform in dB. The first keeps its own.
struct relative_levels {
  double lowest = -5, highest = 5;
};

struct dynamic_mixing_options {
  int sources = 2;
  dim_t length = 16000;  // samples of an item
  std::variant<mean_abs_levels, relative_levels> levels = mean_abs_levels{};
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
    first_.push_back(0);
    for (std::size_t u = 0, speaker = 0; u <= pool_->utterances().size(); ++u) {
      const bool ended = u == pool_->utterances().size();
      if ((ended || pool_->utterances()[u].speaker != speaker) && usable_.size() > first_.back())
        first_.push_back(usable_.size());
      if (ended) break;
      speaker = pool_->utterances()[u].speaker;
      if (options_.short_recordings == when_short::pad || pool_->utterances()[u].length >= needed)
        usable_.push_back(u);
      else
        ++skipped_;
    }
    if (speakers() < static_cast<std::size_t>(options_.sources)) refuse_speakers(needed);
  }

  int sample_rate() const override { return pool_->rate(); }
  dim_t sources() const override { return options_.sources; }
  dim_t length() const override { return options_.length; }
  dim_t count() const override { return options_.count; }
  std::size_t speakers() const { return first_.size() - 1; }  // that have recordings long enough
  std::size_t skipped() const { return skipped_; }            // recordings that are too short

  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    const std::size_t length = static_cast<std::size_t>(options_.length), sources = static_cast<std::size_t>(options_.sources);
    if (mixture.size() != length || targets.size() != sources * length)
      fail("an item has ", length, " samples of mixture and ", sources * length, " of targets; given is room for ",
           mixture.size(), " and ", targets.size());
    const random_stream item(options_.seed, "dynamic_mixing", n);
    const std::vector<std::size_t> chosen = draw_utterances(item.sub("utterances"));

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
    set_levels(random_sequence(item.sub("levels")), active);
    add_up(mixture, targets);
    if (options_.peak > 0) {
      float top = 0;
      for (const float v : mixture) top = std::max(top, std::abs(v));
      for (const float v : targets) top = std::max(top, std::abs(v));
      const double gain = options_.peak / static_cast<double>(top);
      for (float& v : targets) v = static_cast<float>(v * gain);
      add_up(mixture, targets);  // again: scaled alone, it would miss the sum by a rounding
    }
  }

 private:
  static constexpr int speed_steps = 200, attempts = 10;

  void check() const {
    const dynamic_mixing_options& o = options_;
    if (o.sources < 1) fail("mixing needs at least one source, not ", o.sources);
    if (o.length < o.sources) fail("mixing needs a positive length, not ", o.length, " samples");
    if (o.count < 0) fail("mixing cannot make ", o.count, " items");
    const auto refuse = [](bool good, const char* what, double low, double high, const char* expected) {
      if (!good) fail("mixing: ", what, " from ", low, " to ", high, "; expected ", expected);
    };
    refuse(0 <= o.overlap_lowest && o.overlap_lowest <= o.overlap_highest && o.overlap_highest <= 1, "overlap",
           o.overlap_lowest, o.overlap_highest, "shares from 0 to 1, the lower first");
    refuse(0.5 <= o.speed_lowest && o.speed_lowest <= o.speed_highest && o.speed_highest <= 2, "speed", o.speed_lowest,
           o.speed_highest, "factors from 0.5 to 2, the lower first");
    refuse(speed_range().first <= speed_range().second, "speed", o.speed_lowest, o.speed_highest,
           "a range that holds a multiple of 0.005");
    refuse(0 <= o.peak && o.peak <= 1, "a peak", o.peak, o.peak, "a level from 0 to 1");
    refuse(0 <= o.quietest && o.quietest < 1, "a quietest share", o.quietest, o.quietest, "a share from 0 to 1");
    if (const auto* m = std::get_if<mean_abs_levels>(&o.levels))
      refuse(m->first_deviation >= 0 && m->other_deviation >= 0 && m->lowest <= m->highest, "levels", m->lowest, m->highest,
             "the lower first, and deviations that are not negative");
    if (const auto* r = std::get_if<relative_levels>(&o.levels))
      refuse(-100 <= r->lowest && r->lowest <= r->highest && r->highest <= 100, "levels", r->lowest, r->highest,
             "dB from -100 to 100, the lower first");
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

  // An utterance drawn from all those of the speakers that are left: that draws speakers by their numbers of utterances.
  std::vector<std::size_t> draw_utterances(random_stream random) const {
    std::vector<std::size_t> drawn, chosen;  // speakers, ascending; utterances, in the order of drawing
    for (int s = 0; s < options_.sources; ++s) {
      std::size_t left = usable_.size();
      for (const std::size_t d : drawn) left -= first_[d + 1] - first_[d];
      std::size_t at = random.below(left, static_cast<std::uint64_t>(s));
      for (const std::size_t d : drawn)
        if (at >= first_[d]) at += first_[d + 1] - first_[d];
      chosen.push_back(usable_[at]);
      const auto speaker = std::upper_bound(first_.begin(), first_.end(), at) - first_.begin() - 1;
      drawn.insert(std::upper_bound(drawn.begin(), drawn.end(), static_cast<std::size_t>(speaker)),
                   static_cast<std::size_t>(speaker));
    }
    return chosen;
  }

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
      if (room == 0 || attempt == attempts || mean_abs(read) > options_.quietest * speech->level()) break;
    }
    if (steps != speed_steps) read = resample<float>(read, steps, speed_steps);
    const std::size_t size = std::min(read.size(), out.size());
    const std::span<float> active = out.subspan(static_cast<std::size_t>(random.below(out.size() - size + 1)), size);
    std::copy_n(read.begin(), size, active.begin());
    return active;
  }

  static double mean_abs(std::span<const float> x) {
    double sum = 0;
    for (const float v : x) sum += std::abs(v);
    return sum / static_cast<double>(x.size());
  }

  static double rms(std::span<const float> x) {
    double sum = 0;
    for (const float v : x) sum += static_cast<double>(v) * v;
    return std::sqrt(sum / static_cast<double>(x.size()));
  }

  // Levels are those of the time during which a source speaks.
  void set_levels(random_sequence random, std::span<const std::span<float>> active) const {
    double first = 0;  // dB or RMS
    for (std::size_t s = 0; s < active.size(); ++s) {
      double gain = 1;
      if (const auto* m = std::get_if<mean_abs_levels>(&options_.levels)) {
        double level = s == 0 ? m->first_mean + m->first_deviation * random.normal()
                              : first + m->other_mean + m->other_deviation * random.normal();
        level = std::clamp(level, m->lowest, m->highest);
        if (s == 0) first = level;
        gain = std::pow(10, level / 20) / mean_abs(active[s]);
      } else if (const auto* r = std::get_if<relative_levels>(&options_.levels)) {
        if (s == 0)
          first = rms(active[s]);
        else
          gain = first * std::pow(10, random.uniform(r->lowest, r->highest) / 20) / rms(active[s]);
      }
      for (float& v : active[s]) v = static_cast<float>(v * gain);
    }
  }

  void add_up(std::span<float> mixture, std::span<const float> targets) const {
    std::copy_n(targets.begin(), mixture.size(), mixture.begin());
    for (std::size_t s = 1; s < static_cast<std::size_t>(options_.sources); ++s)
      for (std::size_t i = 0; i < mixture.size(); ++i) mixture[i] += targets[s * mixture.size() + i];
  }

  std::shared_ptr<const speech_pool> pool_;
  dynamic_mixing_options options_;
  std::vector<std::size_t> usable_;  // utterances, by speaker
  std::vector<std::size_t> first_;   // [speakers + 1] where in usable_ a speaker begins
  std::size_t skipped_ = 0;
};

}  // namespace avss
