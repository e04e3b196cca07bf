#include "tools/score_table.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/audio_fixture.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;

ratio measured(double v) { return {v, ratio_status::measured}; }

TEST(score_table, a_mixtures_score_is_the_mean_of_what_was_measured) {
  const std::vector<ratio> some{measured(3), {-150, ratio_status::silent_target}, measured(5)}, none{{}, {}};
  EXPECT_EQ(mixture_score(some).value, 4);
  EXPECT_EQ(mixture_score(some).left_out, 1u);
  EXPECT_TRUE(std::isnan(mixture_score(none).value));
  EXPECT_EQ(mixture_score(none).left_out, 2u);
}

TEST(score_table, every_mixture_counts_the_same) {
  score_column c;
  EXPECT_TRUE(std::isnan(c.mean()));
  EXPECT_TRUE(std::isnan(c.median()));
  c.add(std::vector<ratio>{measured(10), measured(20)});
  EXPECT_EQ(c.median(), 15);
  c.add(std::vector<ratio>{measured(3), {0, ratio_status::silent_estimate}});
  EXPECT_EQ(c.mean(), 9);  // (15 + 3) / 2, and not the mean of the three sources
  EXPECT_EQ(c.median(), 9);
  c.add(std::vector<ratio>{{}, {}});
  c.add(std::vector<ratio>{measured(100), measured(100)});
  EXPECT_EQ(c.median(), 15);
  EXPECT_EQ(c.measured(), 3u);
  EXPECT_EQ(c.left_out(), 3u);
}

TEST(score_table, prints_what_is_there) {
  EXPECT_EQ(shown(1.005), "1.00");
  EXPECT_EQ(shown(-0.98765, 4), "-0.9877");
  EXPECT_EQ(shown(std::nan("")), "-");
  std::ostringstream out;
  print_left_out(out, "x", 0);
  EXPECT_EQ(out.str(), "");
  print_left_out(out, "x", 1);
  EXPECT_EQ(out.str(), "x: 1 silent or broken source left out of the mean\n");
}

}  // namespace
}  // namespace avss::tools
