#include <gtest/gtest.h>

#include <atomic>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/data/dynamic_mixing.hpp>
#include <avss/data/loader.hpp>
#include <avss/data/speech_pool.hpp>
#include <avss/io/audio_writer.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

// Item n is n, 2 n, ... and its own random numbers, after `before(n)`.
class numbers : public item_source {
 public:
  explicit numbers(std::function<void(std::uint64_t)> before = [](std::uint64_t) {}) : before_(std::move(before)) {}
  dim_t sources() const override { return 2; }
  dim_t length() const override { return 5; }
  int sample_rate() const override { return 8000; }
  dim_t count() const override { return 0; }
  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    before_(n);
    ++made;
    for (std::size_t i = 0; i < mixture.size(); ++i) mixture[i] = static_cast<float>(n * (i + 1));
    for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = random_stream(7, n).uniform<float>(i);
  }
  mutable std::atomic<int> made{0};

 private:
  std::function<void(std::uint64_t)> before_;
};

void pause(int microseconds) { std::this_thread::sleep_for(std::chrono::microseconds(microseconds)); }

// All that a loader gives within `batches` batches.
std::vector<float> take(const item_source& source, loader_options o, int batches) {
  loader l(source, o);
  std::vector<float> all;
  batch b;
  for (int i = 0; i < batches && l.next(b); ++i) {
    EXPECT_EQ(b.mixtures.size(), static_cast<std::size_t>(b.size * b.length));
    EXPECT_EQ(b.targets.size(), static_cast<std::size_t>(b.size * b.sources * b.length));
    all.insert(all.end(), b.mixtures.begin(), b.mixtures.end());
    all.insert(all.end(), b.targets.begin(), b.targets.end());
  }
  return all;
}

TEST(loader, gives_the_items_in_order_whoever_makes_them) {
  // Later items are ready sooner.
  const numbers source([](std::uint64_t n) { pause(n % 3 == 0 ? 300 : 0); });
  const std::vector<float> expected = take(source, {.batch_size = 3, .workers = 0}, 20);
  ASSERT_EQ(expected.size(), 20u * 3 * 15);
  for (std::size_t b = 0; b < 20; ++b)
    for (std::size_t row = 0; row < 3; ++row) EXPECT_EQ(expected[b * 45 + row * 5 + 1], static_cast<float>(2 * (b * 3 + row)));
  for (const int workers : {1, 2, 4})
    for (const int prefetch : {1, 2, 7})
      EXPECT_EQ(take(source, {.batch_size = 3, .workers = workers, .prefetch = prefetch}, 20), expected)
          << workers << " workers, " << prefetch << " batches ahead";
}

class loaded_mixtures : public in_folder {};

TEST_F(loaded_mixtures, are_the_same_whoever_makes_them) {
  for (int k = 0; k < 4; ++k)
    write_audio(folder / (std::to_string(k) + "-0.wav"), 16000, noise(8000, static_cast<std::uint32_t>(1 + k), 0.5));
  const auto pool = std::make_shared<const speech_pool>(
      folder,
      speech_pool_options{.speaker = speaker_rule("stem:-:0"), .storage = speech_storage::on_demand, .max_bytes = 20000});
  const dynamic_mixing source(pool, {.length = 1000, .speed_lowest = 0.95, .speed_highest = 1.05});
  const std::vector<float> expected = take(source, {.batch_size = 3, .workers = 0, .first_item = 5}, 8);
  for (const int workers : {1, 2, 4})
    EXPECT_EQ(take(source, {.batch_size = 3, .workers = workers, .first_item = 5}, 8), expected);
}

TEST_F(loaded_mixtures, name_the_file_that_went_away) {
  for (int k = 0; k < 2; ++k)
    write_audio(folder / (std::to_string(k) + "-0.wav"), 8000, noise(4000, static_cast<std::uint32_t>(1 + k), 0.5));
  const auto pool = std::make_shared<const speech_pool>(
      folder, speech_pool_options{.speaker = speaker_rule("stem:-:0"), .storage = speech_storage::on_demand});
  const dynamic_mixing source(pool, {.length = 1000});
  std::filesystem::remove(folder / "1-0.wav");
  loader l(source, {.batch_size = 2, .workers = 2});
  batch b;
  EXPECT_TRUE(says(error_of([&] { l.next(b); }), "1-0.wav", "no such file"));
}

TEST(loader, resumes_where_it_stopped) {
  const numbers source;
  const std::vector<float> whole = take(source, {.batch_size = 4, .workers = 2, .first_item = 100}, 10);
  loader l(source, {.batch_size = 4, .workers = 2, .first_item = 100});
  batch b;
  std::vector<float> parts;
  EXPECT_EQ(l.next_item(), 100u);
  for (int i = 0; i < 6; ++i) {
    l.next(b);
    parts.insert(parts.end(), b.mixtures.begin(), b.mixtures.end());
    parts.insert(parts.end(), b.targets.begin(), b.targets.end());
  }
  EXPECT_EQ(l.next_item(), 124u);
  const std::vector<float> rest = take(source, {.batch_size = 4, .workers = 3, .first_item = l.next_item()}, 4);
  parts.insert(parts.end(), rest.begin(), rest.end());
  EXPECT_EQ(parts, whole);
}

TEST(loader, ends_after_the_items_asked_for) {
  const numbers source;
  for (const int workers : {0, 2}) {
    loader l(source, {.batch_size = 4, .workers = workers, .first_item = 3, .items = 10});
    batch b;
    std::vector<dim_t> sizes;
    while (l.next(b)) sizes.push_back(b.size);
    EXPECT_EQ(sizes, (std::vector<dim_t>{4, 4, 2}));
    EXPECT_EQ(b.mixtures[5], 12.0f);
    EXPECT_EQ(b.mixtures.size(), 10u);
    EXPECT_EQ(l.next_item(), 13u);
    EXPECT_FALSE(l.next(b));
  }
  EXPECT_EQ(source.made, 20);
}

TEST(loader, makes_no_more_ahead_than_asked) {
  const numbers source;
  loader l(source, {.batch_size = 2, .workers = 2, .prefetch = 3});
  batch b;
  l.next(b);
  for (int i = 0; i < 1000 && source.made < 8; ++i) pause(1000);
  pause(5000);
  EXPECT_EQ(source.made, 8);
}

TEST(loader, memory_is_used_again) {
  const numbers source;
  loader l(source, {.batch_size = 2, .workers = 2, .prefetch = 3});
  batch b;
  std::set<const float*> seen;
  for (int i = 0; i < 40; ++i) {
    l.next(b);
    seen.insert(b.mixtures.data());
  }
  EXPECT_LE(seen.size(), 4u);
}

TEST(loader, the_first_items_error_reaches_next) {
  // Item 8, of the same batch, fails sooner than item 7.
  const numbers source([](std::uint64_t n) {
    if (n == 7) pause(3000);
    if (n == 7 || n == 8 || n == 30) fail("item ", n, ": cannot be made");
  });
  for (const int workers : {0, 1, 2, 4}) {
    loader l(source, {.batch_size = 3, .workers = workers, .prefetch = 20});
    batch b;
    EXPECT_TRUE(l.next(b));
    EXPECT_TRUE(l.next(b));
    for (int again = 0; again < 3; ++again) EXPECT_EQ(error_of([&] { l.next(b); }), "item 7: cannot be made");
    EXPECT_EQ(l.next_item(), 6u);
  }
}

TEST(loader, errors_keep_their_type) {
  const numbers source([](std::uint64_t n) {
    if (n == 0) throw std::out_of_range("beyond");
  });
  for (const int workers : {0, 1}) {
    loader l(source, {.workers = workers});
    batch b;
    EXPECT_THROW(l.next(b), std::out_of_range);
  }
}

TEST(loader, can_be_destroyed_at_any_time) {
  const numbers slow([](std::uint64_t) { pause(500); }), quick, failing([](std::uint64_t) { fail("no"); });
  for (const item_source* source : {static_cast<const item_source*>(&slow), static_cast<const item_source*>(&quick),
                                    static_cast<const item_source*>(&failing)})
    for (int i = 0; i < 20; ++i) {
      loader l(*source, {.batch_size = 4, .workers = 1 + i % 4, .prefetch = 1 + i % 3});
      if (i % 2) pause(100 * i);
      batch b;
      if (i % 4 == 3) error_of([&] { l.next(b); });
    }
}

TEST(loader, counts_the_time_that_next_waits) {
  const numbers slow([](std::uint64_t) { pause(2000); });
  loader l(slow, {});
  batch b;
  EXPECT_EQ(l.seconds_waited(), 0);
  for (int i = 0; i < 5; ++i) l.next(b);
  EXPECT_GT(l.seconds_waited(), 0);
}

TEST(loader, refuses_options_that_make_no_sense) {
  const numbers source;
  const auto refused = [&](loader_options o) { return error_of([&] { loader(source, o); }); };
  EXPECT_TRUE(says(refused({.batch_size = 0}), "batches of 0"));
  EXPECT_TRUE(says(refused({.workers = -1}), "-1 workers"));
  EXPECT_TRUE(says(refused({.prefetch = 0}), "prefetch 0"));
  EXPECT_TRUE(says(refused({.first_item = ~std::uint64_t{0}, .items = 2}), "cannot count"));
}

}  // namespace
}  // namespace avss
