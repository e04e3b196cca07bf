#include <gtest/gtest.h>

#include <avss/metric/named.hpp>
#include <set>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using view = std::span<const double>;

TEST(named_metric, names_are_unique_and_found) {
  std::set<std::string> names;
  for (const metric_choice& c : metric_choices()) {
    EXPECT_TRUE(names.insert(c.name()).second) << c.name();
    const auto found = find_metric(c.name());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->metric, c.metric);
    EXPECT_EQ(found->improvement, c.improvement);
    EXPECT_NE(c.metric->of_energies == nullptr, c.metric->of_signals == nullptr) << "one of the two";
  }
  for (const char* name : {"si_snr", "si_snri", "si_sdr", "si_sdri", "snr", "snri"}) EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_FALSE(find_metric("si_snrii"));
  EXPECT_FALSE(find_metric(""));
  EXPECT_STREQ(si_snr_metric.name, "si_snr");
}

TEST(named_metric, gives_what_the_functions_give) {
  const auto a = noise<double>(500, 1), b = noise<double>(500, 2, 0.5), hiss = noise<double>(500, 3, 0.1);
  std::vector<double> targets = a, estimates, mix(500);
  targets.insert(targets.end(), b.begin(), b.end());
  for (std::size_t i = 0; i < 500; ++i) mix[i] = a[i] + b[i];
  for (std::size_t i = 0; i < 500; ++i) estimates.push_back(b[i] + hiss[i]);  // the other way round
  for (std::size_t i = 0; i < 500; ++i) estimates.push_back(a[i] - hiss[i] + 0.02);
  separation_meter meter(2);
  meter.observe(view(mix), view(targets), view(estimates));
  meter.resolve(view(mix), view(targets), view(estimates));
  const std::vector<std::size_t> best = meter.order();
  EXPECT_EQ(best, (std::vector<std::size_t>{1, 0}));
  const auto of = [&](const char* name, const std::vector<std::size_t>& order) {
    return score_sources(*find_metric(name), order, meter);
  };
  const view e0 = view(estimates).first(500), e1 = view(estimates).subspan(500);
  EXPECT_NEAR(of("si_snr", best)[0].value, measure_si_snr(e1, view(a)).value, 1e-11);
  EXPECT_NEAR(of("si_snr", given_order(2))[0].value, measure_si_snr(e0, view(a)).value, 1e-11);
  EXPECT_NEAR(of("si_sdr", best)[1].value, measure_si_sdr(e0, view(b)).value, 1e-11);
  EXPECT_NEAR(of("snr", best)[1].value, measure_snr(e0, view(b)).value, 1e-11);
  EXPECT_NEAR(of("si_snri", best)[0].value, measure_si_snr(e1, view(a)).value - measure_si_snr(view(mix), view(a)).value,
              1e-11);
  EXPECT_NEAR(of("si_sdri", best)[0].value, measure_si_sdr(e1, view(a)).value - measure_si_sdr(view(mix), view(a)).value,
              1e-11);
  EXPECT_NEAR(of("snri", best)[1].value, measure_snr(e0, view(b)).value - measure_snr(view(mix), view(b)).value, 1e-11);
}

TEST(named_metric, an_improvement_needs_both_to_be_measured) {
  const auto sound = noise<double>(50, 1);
  const std::vector<double> silence(50, 0);
  separation_meter meter(1);
  meter.observe(view(silence), view(sound), view(sound));
  meter.resolve(view(silence), view(sound), view(sound));
  EXPECT_EQ(score_sources({&si_snr_metric, false}, given_order(1), meter)[0].status, ratio_status::measured);
  EXPECT_EQ(score_sources({&si_snr_metric, true}, given_order(1), meter)[0].status, ratio_status::silent_estimate);
}

}  // namespace
}  // namespace avss
