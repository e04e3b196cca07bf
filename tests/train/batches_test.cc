#include <gtest/gtest.h>

#include <avss/data/synthetic_mixtures.hpp>
#include <avss/train/batches.hpp>
#include <memory>

namespace avss {
namespace {

bool same(const batch& a, const batch& b) {
  return a.size == b.size && a.sources == b.sources && a.length == b.length && a.mixtures == b.mixtures &&
         a.targets == b.targets;
}

TEST(batches, made_ahead_are_those_made_when_asked) {
  const synthetic_mixtures tones(2, 50, 8000, 0, 3);
  const batch_maker plain = batches_of(tones);
  for (const int workers : {0, 1, 3}) {
    const batch_maker ahead = prefetched_batches(tones, 0, workers, 2);
    batch expected, b;
    const auto check = [&](std::uint64_t first, dim_t size) {
      plain(first, size, expected);
      ahead(first, size, b);
      EXPECT_TRUE(same(b, expected)) << workers << " workers, items " << first << " and on";
    };
    for (std::uint64_t first = 40; first < 60; first += 4) check(first, 4);
    check(7, 4);  // a run that goes back
    check(11, 3);
    check(14, 4);
  }
}

TEST(batches, shares_are_those_of_the_whole_batches) {
  const synthetic_mixtures tones(2, 50, 8000, 11, 3);
  const batch_maker plain = batches_of(tones);
  batch expected, b;
  for (const int workers : {0, 2})
    for (std::uint64_t rank = 0; rank < 3; ++rank) {
      const batch_maker ahead = prefetched_batches(tones, 11, workers, 2, 3);
      // Batches of 6 among three; of the last one, items 6 to 10, the third has one only.
      for (int evaluation = 0; evaluation < 2; ++evaluation)
        for (const std::uint64_t first : {2 * rank, 6 + 2 * rank}) {
          const dim_t size = first == 10 ? 1 : 2;
          plain(first, size, expected);
          ahead(first, size, b);
          EXPECT_TRUE(same(b, expected)) << workers << " workers, items " << first << " and on";
        }
    }
}

TEST(batches, an_evaluation_ends_with_what_is_left_and_starts_again) {
  const synthetic_mixtures tones(2, 50, 8000, 7, 3);
  const batch_maker plain = batches_of(tones), ahead = prefetched_batches(tones, 7, 2, 3);
  batch expected, b;
  for (int evaluation = 0; evaluation < 3; ++evaluation)
    for (const std::uint64_t first : {0, 3, 6}) {
      const dim_t size = first == 6 ? 1 : 3;
      plain(first, size, expected);
      ahead(first, size, b);
      EXPECT_TRUE(same(b, expected)) << first;
    }
}

}  // namespace
}  // namespace avss
