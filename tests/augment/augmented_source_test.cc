// Items of data sets, augmented: functions of the seed and of their number alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/augment.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/loader.hpp>
#include <avss/data/synthetic_mixtures.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/augment/augment_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class augmented_items : public in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    for (std::uint32_t k = 0; k < 5; ++k) {
      write_sound(folder / "noises" / (std::to_string(k) + ".wav"), noise(700 * (k + 1), k, 0.4));
      write_sound(folder / "rooms" / (std::to_string(k) + ".wav"), noise(100, 50 + k, 0.4));
    }
  }
  std::shared_ptr<const sound_bank> bank(const char* name, std::size_t max_bytes = std::size_t{1} << 20) const {
    return std::make_shared<const sound_bank>(folder / name, name, sound_bank_options{.rate = 8000, .max_bytes = max_bytes});
  }
  // Everything at once.
  any_augmentation all(std::size_t max_bytes = std::size_t{1} << 20) const {
    return chain{each_source{chain{gain{}, sometimes{0.5, speed_perturbation{}}, time_shift{},
                                   sometimes{0.5, impulse_response{.responses = bank("rooms", max_bytes)}}}},
                 one_of{low_pass{}, high_pass{}, band_pass{}, band_stop{}, random_equalizer{}},
                 background_noise{.noises = bank("noises", max_bytes)},
                 sometimes{0.5, coloured_noise{}},
                 sometimes{0.5, dropped_chunks{}},
                 sometimes{0.5, clipping{}},
                 spectrum_masks{},
                 peak_normalization{}};
  }
  augmented_source source(const any_augmentation& what, std::uint64_t seed = 3, dim_t channels = 0) const {
    return {std::make_unique<synthetic_mixtures>(2, 3000, 8000, 0, 1, channels), what, seed};
  }
  static std::vector<float> made(const augmented_source& items, std::uint64_t first, int workers, int batches) {
    loader from(items, {.batch_size = 3, .workers = workers, .first_item = first});
    batch b;
    std::vector<float> all;
    for (int i = 0; i < batches; ++i) {
      from.next(b);
      all.insert(all.end(), b.mixtures.begin(), b.mixtures.end());
      all.insert(all.end(), b.targets.begin(), b.targets.end());
      all.insert(all.end(), b.features.begin(), b.features.end());
    }
    return all;
  }
};

TEST_F(augmented_items, neither_workers_nor_caches_nor_a_resumed_run_change_them) {
  const augmented_source items = source(all());
  const std::vector<float> expected = made(items, 0, 0, 6);
  for (const int workers : {1, 2, 5}) EXPECT_EQ(made(source(all()), 0, workers, 6), expected) << workers;
  EXPECT_EQ(made(source(all(0)), 0, 2, 6), expected);  // nothing is kept in memory
  const std::size_t half = expected.size() / 2;
  EXPECT_EQ(made(source(all()), 9, 2, 3),
            std::vector<float>(expected.begin() + static_cast<std::ptrdiff_t>(half), expected.end()));
  EXPECT_NE(made(source(all(), 4), 0, 0, 6), expected);  // another seed
}

TEST_F(augmented_items, are_the_sources_where_nothing_is_done) {
  const synthetic_mixtures plain(2, 3000, 8000, 0, 1);
  const augmented_source same = source(chain_of{}), other = source(gain{});
  EXPECT_EQ(same.sources(), 2);
  EXPECT_EQ(same.length(), 3000);
  EXPECT_EQ(same.sample_rate(), 8000);
  EXPECT_EQ(same.count(), 0);
  EXPECT_EQ(same.video(), video_extent{});
  batch a, b, c;
  make_batch(plain, 5, 2, a);
  make_batch(same, 5, 2, b);
  make_batch(other, 5, 2, c);
  EXPECT_EQ(a.mixtures, b.mixtures);
  EXPECT_EQ(a.targets, b.targets);
  EXPECT_NE(a.mixtures, c.mixtures);
}

// All samples are 1, of every item.
class ones final : public item_source {
 public:
  dim_t sources() const override { return 1; }
  dim_t length() const override { return 4; }
  int sample_rate() const override { return 8000; }
  dim_t count() const override { return 3; }
  void make(std::uint64_t, std::span<float> mixture, std::span<float> targets) const override {
    std::fill(mixture.begin(), mixture.end(), 1.0f);
    std::fill(targets.begin(), targets.end(), 1.0f);
  }
};

TEST_F(augmented_items, have_numbers_of_their_own_in_every_epoch) {
  const augmented_source items(std::make_unique<ones>(), gain{}, 1), sources(std::make_unique<ones>(), each_source{gain{}}, 1);
  EXPECT_EQ(items.count(), 3);
  std::set<float> gains, own;
  batch b;
  for (std::uint64_t n = 0; n < 300; n += 3) {
    make_batch(items, n, 3, b);
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(b.mixtures[i], b.targets[i]);
    for (std::size_t i = 0; i < 12; i += 4) gains.insert(b.mixtures[i]);
    make_batch(sources, n, 3, b);
    for (std::size_t i = 0; i < 12; i += 4) own.insert(b.mixtures[i]);
  }
  EXPECT_EQ(gains.size(), 300u);
  EXPECT_EQ(own.size(), 300u);
}

TEST_F(augmented_items, faces_stay_as_they_are) {
  EXPECT_TRUE(says(error_of([&] { source(all(), 1, 4); }), "lips"));
  const augmented_source items = source(chain{gain{}, background_noise{.noises = bank("noises")}}, 1, 4);
  const synthetic_mixtures plain(2, 3000, 8000, 0, 1, 4);
  EXPECT_EQ(items.video(), plain.video());
  batch a, b;
  make_batch(plain, 2, 3, a);
  make_batch(items, 2, 3, b);
  EXPECT_EQ(a.features, b.features);
  EXPECT_NE(a.mixtures, b.mixtures);
}

}  // namespace
}  // namespace avss
