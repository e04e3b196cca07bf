// The networks of full size on the CPU, in float, against what the published code computes of two seconds.
#include <algorithm>
#include <avss/cpu/rtfsnet.hpp>
#include <cmath>
#include <tests/model/rtfsnet_published.hpp>

namespace avss {
namespace {

using namespace test;

constexpr rtfsnet_config with_tail(rtfsnet_config c, tail_rule tail) {
  c.tail = tail;
  return c;
}
constexpr rtfsnet_config paper = with_tail(presets::rtfsnet_4, tail_rule::exact);
constexpr rtfsnet_config reference_project = with_tail(presets::rtfsnet, tail_rule::silent);
constexpr rtfsnet_config along_time = [] {
  rtfsnet_config c = reference_project;
  c.attention = attention_axis::time;
  return c;
}();

// The greatest difference stays below `limit`.
template <rtfsnet_config S>
void expect_two_seconds(const std::string& file, const std::string& out, double limit) {
  const char* shared = published_folder();
  if (!shared) GTEST_SKIP() << "set AVSS_SHARED to the folder that holds golden/" << file;
  const published_values g(std::string(shared) + "/golden/" + file);
  published_network<S> net(g);
  const auto y = net.template run<cpu>(
                        g["b/wav"], g["b/emb"], {}, [](const auto&, const auto&, auto&, auto&) {}, [](const auto&) {})
                     .y;
  const std::vector<double> expected = g[out];
  ASSERT_EQ(y.size(), expected.size());
  double off = 0, top = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    ASSERT_TRUE(std::isfinite(y[i])) << i;
    off = std::max(off, std::abs(y[i] - expected[i])), top = std::max(top, std::abs(expected[i]));
  }
  EXPECT_LT(off, limit);
  EXPECT_GT(top, 1e4 * limit) << "the limit says nothing";
  ::testing::Test::RecordProperty("greatest_difference", std::to_string(off * 1e9) + "e-9");
}

TEST(RtfsNetOnCpu, paper) { expect_two_seconds<paper>("rtfsnet_golden.npz", "b/out", 2e-7); }
TEST(RtfsNetOnCpu, reference_project) { expect_two_seconds<reference_project>("reference_rtfsnet_golden.npz", "b/out", 5e-6); }
TEST(RtfsNetOnCpu, reference_project_along_time) {
  expect_two_seconds<along_time>("reference_rtfsnet_golden.npz", "b/out_time_axis", 5e-6);
}

}  // namespace
}  // namespace avss
