// Metrics of separation against the golden vectors of the folder AVSS_SHARED: torchmetrics'.
#include <gtest/gtest.h>

#include <avss/metric/ratio.hpp>
#include <tests/shared/shared_golden.hpp>
#include <tests/support/two_speakers.hpp>

namespace avss {
namespace {

TEST(SharedMetrics, torchmetrics) {
  const std::string path = test::shared_file("golden/separation_metrics_golden.json");
  if (path.empty()) GTEST_SKIP() << test::how_to_share;
  const json_value golden = test::read_json(path);
  const auto expected = [&](std::string_view key) { return test::numbers(test::member(golden, key)); };
  using signal = std::span<const double>;
  const auto [s1, s2, e1, e2] = testing::two_speakers();
  std::vector<double> mix(s1);
  for (std::size_t t = 0; t < mix.size(); ++t) mix[t] += s2[t];
  EXPECT_NEAR(measure_si_sdr(signal(e1), signal(s1)).value, expected("torchmetrics_si_sdr(e1,s1)")[0], 1e-10);
  EXPECT_NEAR(measure_si_snr(signal(e1), signal(s1)).value, expected("torchmetrics_si_snr(e1,s1)")[0], 1e-10);
  EXPECT_NEAR(measure_snr(signal(e1), signal(s1)).value, expected("torchmetrics_snr(e1,s1)")[0], 1e-10);
  EXPECT_NEAR(measure_si_snr(signal(e2), signal(s2)).value, expected("torchmetrics_si_snr(e2,s2)")[0], 1e-10);
  EXPECT_NEAR(measure_si_snr(signal(mix), signal(s1)).value, expected("si_snr(mix,s1)")[0], 1e-10);
  EXPECT_NEAR(measure_si_snr(signal(mix), signal(s2)).value, expected("si_snr(mix,s2)")[0], 1e-10);
}

}  // namespace
}  // namespace avss
