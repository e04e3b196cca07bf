#include <gtest/gtest.h>

#include <algorithm>
#include <avss/data/dynamic_mixing.hpp>
#include <avss/io/audio_writer.hpp>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;
using options = dynamic_mixing_options;

struct item {
  std::vector<float> mixture, targets;
  std::span<const float> target(std::size_t s) const { return std::span(targets).subspan(s * mixture.size(), mixture.size()); }
  bool operator==(const item&) const = default;
};

item make(const item_source& source, std::uint64_t n) {
  item i;
  i.mixture.assign(static_cast<std::size_t>(source.length()), NAN);
  i.targets.assign(static_cast<std::size_t>(source.length() * source.sources()), NAN);
  source.make(n, i.mixture, i.targets);
  return i;
}

double mean_abs(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += std::abs(v);
  return sum / static_cast<double>(x.size());
}

double rms_db(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * v;
  return 10 * std::log10(sum / static_cast<double>(x.size()));
}

// From the sign changes of a tone, Hz.
double frequency(std::span<const float> x) {
  int changes = 0;
  for (std::size_t i = 1; i < x.size(); ++i) changes += (x[i - 1] < 0) != (x[i] < 0);
  return changes * 8000.0 / 2 / static_cast<double>(x.size());
}

std::size_t active(std::span<const float> x) {
  return x.size() - static_cast<std::size_t>(std::count(x.begin(), x.end(), 0.0f));
}

// Speaker k speaks a tone of 200 (k + 1) Hz.
class mixing : public in_folder {
 protected:
  void speak(int k, std::size_t length = 8000, int take = 0) {
    write_audio(folder / (std::to_string(k) + "-" + std::to_string(take) + ".wav"), 8000,
                tone(length, 200 * (k + 1) / 8000.0 + 1e-5, 0.2 + 0.1 * take));
  }
  std::shared_ptr<const speech_pool> pool(speech_pool_options o = {}) {
    o.speaker = speaker_rule("stem:-:0");
    return std::make_shared<const speech_pool>(folder, o);
  }
};

TEST_F(mixing, mixture_is_the_sum_of_the_targets_and_peaks_as_asked) {
  for (int k = 0; k < 4; ++k) speak(k);
  for (const int sources : {1, 2, 3}) {
    const dynamic_mixing source(pool(), {.sources = sources, .length = 4000});
    EXPECT_EQ(source.sources(), sources);
    EXPECT_EQ(source.sample_rate(), 8000);
    EXPECT_EQ(source.count(), 0);
    for (std::uint64_t n = 0; n < 20; ++n) {
      const item i = make(source, n);
      float top = 0;
      for (std::size_t t = 0; t < 4000; ++t) {
        float sum = i.targets[t];
        for (int s = 1; s < sources; ++s) sum += i.target(static_cast<std::size_t>(s))[t];
        ASSERT_EQ(i.mixture[t], sum);
        top = std::max(top, std::abs(sum));
        for (int s = 0; s < sources; ++s) top = std::max(top, std::abs(i.target(static_cast<std::size_t>(s))[t]));
      }
      EXPECT_NEAR(top, 0.9, 1e-6);
    }
  }
}

TEST_F(mixing, levels_are_those_asked_for) {
  for (int k = 0; k < 3; ++k) speak(k);
  const dynamic_mixing relative(pool(), {.sources = 3, .length = 4000, .levels = relative_levels{2, 3}});
  const dynamic_mixing fixed(
      pool(), {.length = 4000,
               .levels = mean_abs_levels{.first_mean = -20, .first_deviation = 0, .other_mean = -6, .other_deviation = 0},
               .peak = 0});
  const dynamic_mixing drawn(pool(), {.length = 4000, .peak = 0});
  double sum = 0, square = 0, difference = 0;
  constexpr int count = 400;
  for (std::uint64_t n = 0; n < count; ++n) {
    const item i = make(relative, n);
    for (const std::size_t s : {1u, 2u}) {
      const double db = rms_db(i.target(s)) - rms_db(i.target(0));
      EXPECT_GE(db, 2 - 1e-4);
      EXPECT_LE(db, 3 + 1e-4);
    }
    const item j = make(fixed, n);
    EXPECT_NEAR(mean_abs(j.target(0)), 0.1, 1e-6);
    EXPECT_NEAR(mean_abs(j.target(1)), 0.1 * std::pow(10, -0.3), 1e-6);
    const item k = make(drawn, n);
    const double first = 20 * std::log10(mean_abs(k.target(0)));
    sum += first, square += first * first;
    difference += 20 * std::log10(mean_abs(k.target(1))) - first;
  }
  EXPECT_NEAR(sum / count, -27.43, 0.5);
  EXPECT_NEAR(std::sqrt(square / count - sum / count * sum / count), 2.57, 0.4);
  EXPECT_NEAR(difference / count, -2.51, 0.5);
}

TEST_F(mixing, an_item_depends_on_seed_and_number_alone) {
  for (int k = 0; k < 5; ++k) speak(k);
  const options o{.length = 2000, .overlap_lowest = 0.2, .speed_lowest = 0.95, .speed_highest = 1.05};
  const dynamic_mixing source(pool(), o), lazy(pool({.storage = speech_storage::on_demand, .max_bytes = 20000}), o);
  std::vector<item> in_order;
  for (std::uint64_t n = 0; n < 24; ++n) in_order.push_back(make(source, n));
  for (std::size_t n = 1; n < in_order.size(); ++n) EXPECT_NE(in_order[n], in_order[n - 1]);
  for (std::uint64_t n = 24; n-- > 0;) EXPECT_EQ(make(lazy, n), in_order[n]);

  std::vector<item> by_threads(24);
  std::vector<std::jthread> threads;
  for (std::size_t w = 0; w < 4; ++w)
    threads.emplace_back([&, w] {
      for (std::size_t n = w; n < 24; n += 4) by_threads[n] = make(n % 3 ? static_cast<const item_source&>(lazy) : source, n);
    });
  threads.clear();
  EXPECT_EQ(by_threads, in_order);

  options other = o;
  other.seed = 2;
  EXPECT_NE(make(dynamic_mixing(pool(), other), 0), in_order[0]);
  EXPECT_NE(make(source, std::uint64_t{1} << 40), in_order[0]);
}

TEST_F(mixing, speakers_differ_within_an_item_and_all_have_their_turn) {
  for (int k = 0; k < 4; ++k) speak(k);
  const dynamic_mixing source(pool(), {.sources = 2, .length = 4000});
  std::map<std::pair<int, int>, int> pairs;
  for (std::uint64_t n = 0; n < 600; ++n) {
    const item i = make(source, n);
    const int a = static_cast<int>(std::lround(frequency(i.target(0)) / 200)),
              b = static_cast<int>(std::lround(frequency(i.target(1)) / 200));
    ASSERT_NE(a, b);
    ++pairs[{a, b}];
  }
  EXPECT_EQ(pairs.size(), 12u);
  for (const auto& [pair, count] : pairs) EXPECT_NEAR(count, 50, 30) << pair.first << " " << pair.second;
}

TEST_F(mixing, speakers_are_drawn_by_their_numbers_of_utterances) {
  speak(0);
  speak(1);
  for (int take = 0; take < 6; ++take) speak(2, 8000, take);
  const dynamic_mixing source(pool(), {.sources = 1, .length = 400, .peak = 0});
  int third = 0;
  for (std::uint64_t n = 0; n < 800; ++n) third += frequency(make(source, n).target(0)) > 500;
  EXPECT_NEAR(third, 600, 50);
}

TEST_F(mixing, held_out_speakers_never_appear) {
  for (int k = 0; k < 5; ++k) speak(k);
  const dynamic_mixing training(pool({.hold_out = 2}), {.length = 2000}),
      held_out(pool({.hold_out = 2, .part = speaker_part::held_out}), {.length = 2000, .count = 50});
  EXPECT_EQ(training.speakers(), 3u);
  EXPECT_EQ(held_out.count(), 50);
  for (std::uint64_t n = 0; n < 200; ++n) {
    const item i = make(training, n), j = make(held_out, n);
    for (const std::size_t s : {0u, 1u}) {
      EXPECT_LT(frequency(i.target(s)), 700);
      EXPECT_GT(frequency(j.target(s)), 700);
    }
  }
}

TEST_F(mixing, segments_come_from_everywhere_in_a_recording) {
  std::vector<float> ramp(1000);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = 0.5f + 0.0005f * static_cast<float>(i);
  write_audio(folder / "a-1.wav", 8000, ramp);
  const dynamic_mixing source(pool(), {.sources = 1, .length = 100, .levels = relative_levels{}, .peak = 0});
  std::set<long> starts;
  for (std::uint64_t n = 0; n < 9000; ++n) {
    const item i = make(source, n);
    const long start = std::lround((static_cast<double>(i.mixture[0]) - 0.5) / 0.0005);
    starts.insert(start);
    ASSERT_NEAR(i.mixture[99], ramp[static_cast<std::size_t>(start) + 99], 1e-4);
  }
  EXPECT_EQ(*starts.begin(), 0);
  EXPECT_EQ(*starts.rbegin(), 900);
  EXPECT_GT(starts.size(), 890u);
}

TEST_F(mixing, overlap_says_for_how_long_sources_speak_at_once) {
  for (int k = 0; k < 3; ++k) speak(k);
  for (const double overlap : {0.0, 0.25, 1.0})
    for (const int sources : {2, 3}) {
      const dynamic_mixing source(pool(),
                                  {.sources = sources, .length = 3000, .overlap_lowest = overlap, .overlap_highest = overlap});
      std::set<std::size_t> first_to_speak;
      for (std::uint64_t n = 0; n < 20; ++n) {
        const item i = make(source, n);
        for (std::size_t s = 0; s < static_cast<std::size_t>(sources); ++s) {
          EXPECT_NEAR(static_cast<double>(active(i.target(s))), 3000 * (1 + (sources - 1) * overlap) / sources, 4);
          if (i.target(s)[1] != 0) first_to_speak.insert(s);
        }
        std::size_t both = 0;
        for (std::size_t t = 0; t < 3000; ++t) both += i.target(0)[t] != 0 && i.target(1)[t] != 0;
        if (sources == 2) {
          EXPECT_NEAR(static_cast<double>(both), 3000 * overlap, 4);
        }
        EXPECT_GE(active(i.mixture), 2990u);
      }
      EXPECT_EQ(first_to_speak.size(), static_cast<std::size_t>(sources));
    }
}

TEST_F(mixing, speed_moves_the_pitch) {
  speak(4, 20000);
  const dynamic_mixing fast(pool(), {.sources = 1, .length = 8000, .speed_lowest = 1.05, .speed_highest = 1.05}),
      slow(pool(), {.sources = 1, .length = 8000, .speed_lowest = 0.95, .speed_highest = 0.95}),
      any(pool(), {.sources = 1, .length = 8000, .speed_lowest = 0.95, .speed_highest = 1.05});
  std::set<long> speeds;
  for (std::uint64_t n = 0; n < 100; ++n) {
    if (n < 5) {
      EXPECT_NEAR(frequency(make(fast, n).target(0)), 1050, 2);
      EXPECT_NEAR(frequency(make(slow, n).target(0)), 950, 2);
      EXPECT_EQ(active(make(slow, n).target(0)), 8000u);
    }
    const double f = frequency(make(any, n).target(0));
    EXPECT_GT(f, 948);
    EXPECT_LT(f, 1052);
    speeds.insert(std::lround(f / 5));
  }
  EXPECT_GT(speeds.size(), 15u);
}

TEST_F(mixing, targets_are_not_pauses) {
  std::vector<float> x = noise(40000, 1, 1e-3);
  const std::vector<float> loud = noise(1000, 2, 0.5);
  std::copy(loud.begin(), loud.end(), x.begin() + 30000);
  write_audio(folder / "a-1.wav", 8000, x);
  std::vector<float> click(40000);
  click[20000] = 0.5f;
  write_audio(folder / "b-1.wav", 8000, click);
  const dynamic_mixing source(pool(), {.length = 1000, .levels = relative_levels{0, 0}, .quietest = 0.5}),
      careless(pool(), {.length = 1000, .levels = relative_levels{0, 0}, .quietest = 0});
  for (std::uint64_t n = 0; n < 50; ++n) {
    const item i = make(source, n), j = make(careless, n);
    for (const std::size_t s : {0u, 1u}) {
      EXPECT_GT(mean_abs(i.target(s)), 0);
      EXPECT_GT(mean_abs(j.target(s)), 0);  // never silent
      for (const float v : j.target(s)) ASSERT_TRUE(std::isfinite(v));
    }
  }
}

TEST_F(mixing, short_recordings_are_left_out_or_padded) {
  speak(0);
  speak(1);
  speak(2, 1000);
  const options o{.sources = 2, .length = 2000, .levels = relative_levels{0, 0}};
  EXPECT_EQ(dynamic_mixing(pool(), o).skipped(), 1u);
  EXPECT_EQ(dynamic_mixing(pool(), o).speakers(), 2u);
  options padding = o;
  padding.short_recordings = when_short::pad;
  const dynamic_mixing padded(pool(), padding);
  EXPECT_EQ(padded.speakers(), 3u);
  EXPECT_EQ(padded.skipped(), 0u);
  std::set<std::size_t> places;
  int seen = 0;
  for (std::uint64_t n = 0; n < 60; ++n) {
    const item i = make(padded, n);
    for (const std::size_t s : {0u, 1u}) {
      const auto x = i.target(s);
      if (active(x) > 1500) continue;
      ++seen;
      EXPECT_GT(active(x), 950u);
      places.insert(static_cast<std::size_t>(std::find_if(x.begin(), x.end(), [](float v) { return v != 0; }) - x.begin()));
    }
  }
  EXPECT_GT(seen, 20);
  EXPECT_GT(places.size(), 10u);
}

TEST_F(mixing, says_which_speakers_are_missing) {
  speak(0);
  EXPECT_TRUE(says(error_of([&] { dynamic_mixing(pool(), {.length = 100}); }), folder.string(), "2 speakers", "found 1 (0)"));
  speak(1, 1000);
  EXPECT_TRUE(says(error_of([&] { dynamic_mixing(pool(), {.length = 2000}); }), "1 of 2", "2000 samples (0.25 s)"));
  EXPECT_TRUE(says(error_of([&] { dynamic_mixing(pool(), {.length = 1000, .speed_highest = 1.05}); }), "1050 samples"));
}

TEST_F(mixing, refuses_options_that_make_no_sense) {
  speak(0);
  speak(1);
  const auto refused = [&](const options& o) { return error_of([&] { dynamic_mixing(pool(), o); }); };
  EXPECT_TRUE(says(refused({.sources = 0}), "at least one source"));
  EXPECT_TRUE(says(refused({.length = 0}), "positive length"));
  EXPECT_TRUE(says(refused({.length = 9, .overlap_lowest = 0.9, .overlap_highest = 0.1}), "overlap from 0.9 to 0.1"));
  EXPECT_TRUE(says(refused({.length = 9, .overlap_highest = 1.1}), "overlap"));
  EXPECT_TRUE(says(refused({.length = 9, .speed_lowest = 0}), "speed from 0 to 1"));
  EXPECT_TRUE(says(refused({.length = 9, .speed_lowest = 1.001, .speed_highest = 1.004}), "multiple of 0.005"));
  EXPECT_TRUE(says(refused({.length = 9, .peak = 1.5}), "peak"));
  EXPECT_TRUE(says(refused({.length = 9, .levels = relative_levels{3, 1}}), "levels from 3 to 1"));
  EXPECT_TRUE(says(refused({.length = 9, .levels = mean_abs_levels{.first_deviation = -1}}), "deviations"));
  EXPECT_TRUE(says(refused({.length = 9, .quietest = NAN}), "quietest"));
  const dynamic_mixing source(pool(), {.length = 100});
  std::vector<float> mixture(100), targets(100);
  EXPECT_TRUE(says(error_of([&] { source.make(0, mixture, targets); }), "100 samples", "200 of targets", "100 and 100"));
}

}  // namespace
}  // namespace avss
