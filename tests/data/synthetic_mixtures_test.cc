#include <gtest/gtest.h>

#include <algorithm>
#include <avss/data/synthetic_mixtures.hpp>
#include <cmath>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

struct item {
  std::vector<float> mixture = std::vector<float>(2000), targets = std::vector<float>(6000);
  item(const item_source& s, std::uint64_t n) { s.make(n, mixture, targets); }
};

TEST(synthetic_mixtures, an_item_depends_on_its_number_and_the_seed_alone) {
  const synthetic_mixtures a(3, 2000, 8000, 0, 1), b(3, 2000, 8000, 5, 1), c(3, 2000, 8000, 0, 2);
  const item later(a, 7);
  EXPECT_EQ(item(b, 7).targets, later.targets);
  EXPECT_NE(item(a, 8).targets, later.targets);
  EXPECT_NE(item(c, 7).targets, later.targets);
}

TEST(synthetic_mixtures, targets_sum_to_a_mixture_that_peaks_at_0_9) {
  const synthetic_mixtures source(3, 2000, 8000, 0, 1);
  for (std::uint64_t n = 0; n < 5; ++n) {
    const item i(source, n);
    float peak = 0;
    for (std::size_t t = 0; t < 2000; ++t) {
      peak = std::max(peak, std::abs(i.mixture[t]));
      EXPECT_NEAR(i.mixture[t], i.targets[t] + i.targets[2000 + t] + i.targets[4000 + t], 1e-5);
    }
    EXPECT_NEAR(peak, 0.9, 1e-5);
  }
}

TEST(synthetic_mixtures, refuses_sizes_that_do_not_fit) {
  const synthetic_mixtures source(3, 1999, 8000, 0, 1);
  EXPECT_TRUE(testing::says(testing::error_of([&] { item(source, 0); }), "1999", "2000"));
  EXPECT_TRUE(testing::says(testing::error_of([] { synthetic_mixtures(0, 10, 8000, 0, 1); }), "0, 10"));
}

}  // namespace
}  // namespace avss
