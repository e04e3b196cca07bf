#include <gtest/gtest.h>

#include <algorithm>
#include <avss/data/mixture_set.hpp>
#include <avss/io/audio_writer.hpp>
#include <cmath>
#include <set>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;
using options = mixture_set_options;

struct item {
  std::vector<float> mixture, targets;
  bool operator==(const item&) const = default;
};

item make(const item_source& source, std::uint64_t n) {
  item i;
  i.mixture.assign(static_cast<std::size_t>(source.length()), NAN);
  i.targets.assign(static_cast<std::size_t>(source.length() * source.sources()), NAN);
  source.make(n, i.mixture, i.targets);
  return i;
}

class mixtures : public in_folder {
 protected:
  // Sample t of s1 is 0.01 (k + 1) + t / 2^20, of s2 a tenth of that, of the mixture the sum.
  void store(int k, std::size_t length = 1000, int rate = 8000) {
    std::vector<float> mix(length), s1(length), s2(length);
    for (std::size_t t = 0; t < length; ++t) {
      s1[t] = 0.01f * static_cast<float>(k + 1) + static_cast<float>(t) / (1 << 20);
      s2[t] = s1[t] / 10;
      mix[t] = s1[t] + s2[t];
    }
    const std::string name = "item" + std::to_string(k) + ".wav";
    for (const auto& [part, x] : {std::pair{"mix", &mix}, {"s1", &s1}, {"s2", &s2}}) {
      fs::create_directories(folder / "audio/val" / part);
      write_audio(folder / "audio/val" / part / name, rate, *x);
    }
  }
  mixture_set open(options o = {}) const { return mixture_set(list_dataset(folder, "val"), o); }
};

TEST_F(mixtures, fixed_items_are_what_the_files_hold) {
  for (int k = 0; k < 3; ++k) store(k);
  const mixture_set whole = open(), cut = open({.length = 600});
  EXPECT_EQ(whole.count(), 3);
  EXPECT_EQ(whole.sources(), 2);
  EXPECT_EQ(whole.length(), 1000);
  EXPECT_EQ(whole.sample_rate(), 8000);
  for (std::uint64_t n = 0; n < 3; ++n) {
    const auto& files = whole.item(n);
    EXPECT_EQ(files.name, "item" + std::to_string(n));
    const item i = make(whole, n), j = make(cut, n);
    EXPECT_EQ(i.mixture, read_audio(files.mixture).samples);
    EXPECT_TRUE(std::equal(i.targets.begin() + 1000, i.targets.end(), read_audio(files.sources[1]).samples.begin()));
    EXPECT_TRUE(std::equal(j.mixture.begin(), j.mixture.end(), i.mixture.begin()));
    EXPECT_TRUE(std::equal(j.targets.begin() + 600, j.targets.end(), i.targets.begin() + 1000));
    EXPECT_EQ(make(whole, n + 3), i);
  }
}

TEST_F(mixtures, shuffled_epochs_have_every_item_once_at_places_of_their_own) {
  for (int k = 0; k < 7; ++k) store(k);
  const mixture_set source = open({.length = 300, .order = item_order::shuffled});
  std::set<std::vector<std::string>> orders;
  std::set<long> starts;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    std::vector<std::string> order;
    for (std::uint64_t n = 7 * epoch; n < 7 * epoch + 7; ++n) {
      order.push_back(source.item(n).name);
      const item i = make(source, n);
      const float base = 0.01f * static_cast<float>(order.back().back() - '0' + 1);
      starts.insert(std::lround((i.targets[0] - base) * (1 << 20)));
      for (std::size_t t = 0; t < 300; ++t) ASSERT_EQ(i.mixture[t], i.targets[t] + i.targets[300 + t]);  // one cut for all
    }
    orders.insert(order);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(std::unique(order.begin(), order.end()), order.end());
  }
  EXPECT_EQ(orders.size(), 20u);
  EXPECT_GT(starts.size(), 100u);
  EXPECT_GE(*starts.begin(), 0);
  EXPECT_LE(*starts.rbegin(), 700);

  EXPECT_EQ(make(open({.length = 300, .order = item_order::shuffled}), 51), make(source, 51));
  EXPECT_NE(make(open({.length = 300, .order = item_order::shuffled, .seed = 2}), 51), make(source, 51));
}

TEST_F(mixtures, resamples_files_of_other_rates) {
  store(0, 2000, 16000);
  const mixture_set source = open();
  EXPECT_EQ(source.length(), 1000);
  EXPECT_EQ(make(source, 0).mixture, resample<float>(read_audio(source.item(0).mixture).samples, 16000, 8000));
  const mixture_set cut = open({.length = 100, .order = item_order::shuffled});
  const auto whole = make(source, 0).targets, part = make(cut, 5).targets;
  EXPECT_NE(std::search(whole.begin(), whole.begin() + 1000, part.begin(), part.begin() + 100), whole.begin() + 1000);
}

TEST_F(mixtures, short_items_are_left_out_or_padded) {
  store(0, 400);
  store(1);
  const mixture_set skipping = open({.length = 600});
  EXPECT_EQ(skipping.count(), 1);
  EXPECT_EQ(skipping.skipped(), 1u);
  EXPECT_EQ(skipping.item(0).name, "item1");
  const mixture_set padding = open({.length = 600, .short_items = when_short::pad});
  EXPECT_EQ(padding.count(), 2);
  const item i = make(padding, 0);
  EXPECT_NE(i.mixture[0], 0);
  EXPECT_NE(i.targets[399], 0);
  EXPECT_EQ(i.targets[400], 0);
  EXPECT_NE(i.targets[999], 0);
  EXPECT_EQ(i.targets[1000], 0);
  const mixture_set random = open({.length = 600, .order = item_order::shuffled, .short_items = when_short::pad});
  std::set<std::ptrdiff_t> delays;
  for (std::uint64_t n = 0; n < 40; ++n) {
    if (random.item(n).name == "item1") continue;
    const item j = make(random, n);
    EXPECT_EQ(std::count(j.mixture.begin(), j.mixture.end(), 0.0f), 200);
    delays.insert(std::find_if(j.mixture.begin(), j.mixture.end(), [](float v) { return v != 0; }) - j.mixture.begin());
  }
  EXPECT_GT(delays.size(), 10u);
}

TEST_F(mixtures, limit_takes_the_first) {
  for (int k = 0; k < 4; ++k) store(k);
  EXPECT_EQ(open({.limit = 2}).count(), 2);
  EXPECT_EQ(open({.limit = 9}).count(), 4);
}

TEST_F(mixtures, limit_takes_some_at_random) {
  for (int k = 0; k < 9; ++k) store(k);
  const auto names = [&](std::size_t limit) {
    const mixture_set set = open({.limit = limit, .shuffle_before_limit = true});
    std::set<std::string> in;
    for (std::uint64_t n = 0; n < static_cast<std::uint64_t>(set.count()); ++n) in.insert(set.item(n).name);
    return in;
  };
  EXPECT_EQ(names(4).size(), 4u);
  EXPECT_EQ(names(4), names(4));
  EXPECT_NE(names(4), (std::set<std::string>{"item0", "item1", "item2", "item3"}));
  EXPECT_EQ(names(20).size(), 9u);
}

TEST_F(mixtures, long_items_are_left_out) {
  store(0, 1000), store(1, 8000), store(2, 1000), store(3, 8001);
  const mixture_set set = open({.length = 1000, .max_seconds = 1});
  EXPECT_EQ(set.count(), 3);
  EXPECT_EQ(set.skipped(), 1u);
  EXPECT_EQ(open({.max_seconds = 0.5}).length(), 1000);
  EXPECT_TRUE(says(error_of([&] { open({.max_seconds = 0.1}); }), folder.string(), "4 items", "longer than 0.1 s"));
}

TEST_F(mixtures, says_what_is_wrong) {
  store(0, 400);
  store(1, 500);
  EXPECT_TRUE(says(error_of([&] { open(); }), "audio/val", "400 to 500 samples", "one length"));
  EXPECT_TRUE(says(error_of([&] { open({.length = 501}); }), "none of 2 items has 501 samples", "longest has 500", "pad"));
  EXPECT_TRUE(says(error_of([&] { open({.rate = 0}); }), "0 Hz"));
  EXPECT_TRUE(says(error_of([&] { open({.length = -1}); }), "-1 samples"));
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "train"); }), "no partition \"train\""));
  const mixture_set source = open({.length = 300});
  std::vector<float> small(299), targets(600);
  EXPECT_TRUE(says(error_of([&] { source.make(0, small, targets); }), "300 samples", "299"));

  write_audio(folder / "audio/val/s2/item0.wav", 8000, std::vector<float>(100, 0.1f));
  EXPECT_TRUE(says(error_of([&] { open({.length = 300, .threads = 2}); }), "s2/item0.wav", "100 samples", "400"));
  EXPECT_TRUE(says(error_of([&] { make(source, 0); }), "s2/item0.wav", "gives 100 samples", "300 were there"));
  fs::remove_all(folder / "audio/val/s1");
  fs::remove_all(folder / "audio/val/s2");
  EXPECT_TRUE(says(error_of([&] { open({.length = 300}); }), "no ground truth"));
}

}  // namespace
}  // namespace avss
