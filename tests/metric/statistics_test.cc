#include <gtest/gtest.h>

#include <avss/metric/statistics.hpp>
#include <fstream>
#include <string>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

const double none = std::nan("");

// tests/golden/make_statistics_golden.py
TEST(statistics, equal_numpys_and_scipys) {
  std::ifstream golden("tests/golden/statistics_golden.txt");
  std::size_t length = 0;
  std::uint32_t row = 0;
  for (; golden >> length; ++row) {
    SCOPED_TRACE(length);
    double mean = 0, quantiles[5], low = 0, high = 0, scipy_low = 0, scipy_high = 0;
    golden >> mean;
    for (double& q : quantiles) golden >> q;
    ASSERT_TRUE(golden >> low >> high >> scipy_low >> scipy_high);
    std::vector<double> values = testing::noise<double>(length, 7 + row, 10);
    for (double& v : values) v += row;
    const value_summary s = summarise(values, {.seed = 0x1234567890});
    EXPECT_EQ(s.count, length);
    EXPECT_NEAR(s.mean, mean, 1e-12);
    const double found[] = {s.least, s.first_quartile, s.median, s.third_quartile, s.most};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(found[i], quantiles[i], 1e-12);
    EXPECT_NEAR(s.interval.low, low, 1e-12);
    EXPECT_NEAR(s.interval.high, high, 1e-12);
    // By chance the ends of 10,000 resamples lie about 2 % of the interval's width beside those of all; few values, few places.
    const double width = scipy_high - scipy_low;
    EXPECT_NEAR(s.interval.low, scipy_low, 0.03 * width);
    EXPECT_NEAR(s.interval.high, scipy_high, 0.03 * width);
  }
  EXPECT_EQ(row, 5u);
}

TEST(statistics, an_interval_depends_on_values_and_seed_alone) {
  const std::vector<double> values = testing::noise<double>(333, 1);
  const confidence_interval one = bootstrap_mean(values), four = bootstrap_mean(values, {.threads = 4});
  EXPECT_EQ(one.low, four.low);
  EXPECT_EQ(one.high, four.high);
  EXPECT_NE(bootstrap_mean(values, {.seed = 2}).low, one.low);
  EXPECT_NE(bootstrap_mean(values, {.seed = std::uint64_t{1} << 32 | 1}).low, one.low);
  const confidence_interval narrow = bootstrap_mean(values, {.level = 0.5});
  EXPECT_GT(narrow.low, one.low);
  EXPECT_LT(narrow.high, one.high);
}

// Of many samples of a known distribution, 95 % of the intervals hold its mean.
TEST(statistics, intervals_hold_the_mean_as_often_as_they_say) {
  std::size_t held = 0;
  constexpr std::size_t trials = 1000;
  for (std::size_t i = 0; i < trials; ++i) {
    const random_stream draws(5, i);
    std::vector<double> values(60);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = 3 + draws.normal(k);
    const confidence_interval c = bootstrap_mean(values, {.resamples = 1000, .seed = i});
    held += c.low <= 3 && 3 <= c.high;
  }
  EXPECT_NEAR(static_cast<double>(held) / trials, 0.945, 0.02);  // the percentile bootstrap of 60 values is a little narrow
}

TEST(statistics, what_is_not_finite_is_left_out) {
  const double values[] = {1, none, 3, HUGE_VAL, 2};
  const value_summary s = summarise(values);
  EXPECT_EQ(s.count, 3u);
  EXPECT_EQ(s.mean, 2);
  EXPECT_EQ(s.median, 2);
  EXPECT_EQ(smallest(values, 2), (std::vector<std::size_t>{0, 4}));
  EXPECT_EQ(smallest(values, 9), (std::vector<std::size_t>{0, 4, 2}));
}

TEST(statistics, few_values) {
  const value_summary nothing = summarise({});
  EXPECT_EQ(nothing.count, 0u);
  for (const double v : {nothing.mean, nothing.median, nothing.least, nothing.most, nothing.interval.low})
    EXPECT_TRUE(std::isnan(v));
  const double seven[] = {7};
  const value_summary one = summarise(seven);
  EXPECT_EQ(one.mean, 7);
  EXPECT_EQ(one.first_quartile, 7);
  EXPECT_TRUE(std::isnan(one.interval.low) && std::isnan(one.interval.high));
  const double same[] = {7, 7, 7};
  EXPECT_EQ(summarise(same).interval.low, 7);
  EXPECT_EQ(summarise(same).interval.high, 7);
}

TEST(statistics, pairs) {
  const double a[] = {1, 5, 3, none, 2}, b[] = {0, 5, 4, 9, none};
  const paired_summary s = summarise_pairs(a, b);
  EXPECT_EQ(s.better, 1u);
  EXPECT_EQ(s.worse, 1u);
  EXPECT_EQ(s.equal, 1u);
  EXPECT_EQ(s.first, 3);
  EXPECT_EQ(s.second, 3);
  EXPECT_EQ(s.difference.count, 3u);
  EXPECT_EQ(s.difference.mean, 0);
  EXPECT_EQ(s.difference.interval.low, -1);
  // A system that is better by the same everywhere is better beyond doubt, however much the files differ.
  const std::vector<double> x = testing::noise<double>(40, 1, 10);
  std::vector<double> y = x;
  for (double& v : y) v -= 0.5;
  const paired_summary sure = summarise_pairs(x, y);
  EXPECT_NEAR(sure.difference.interval.low, 0.5, 1e-12);
  EXPECT_NEAR(sure.difference.interval.high, 0.5, 1e-12);
  EXPECT_EQ(sure.better, 40u);
}

}  // namespace
}  // namespace avss
