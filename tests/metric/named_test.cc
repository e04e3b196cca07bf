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
    EXPECT_EQ((c.metric->of_energies != nullptr) + (c.metric->of_signals != nullptr) + (c.metric->of_item != nullptr), 1);
  }
  for (const char* name :
       {"si_snr", "si_snri", "si_sdr", "si_sdri", "snr", "snri", "zm_snri", "sdr", "sdri", "sir", "sar", "stoi", "estoii"})
    EXPECT_TRUE(names.contains(name)) << name;
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

// By one item, each pair's number is that of the metric's own function; the estimate after the last is the mixture.
TEST(named_metric, metrics_of_an_item) {
  const auto a = noise(9000, 1), b = noise(9000, 2, 0.5), hiss = noise(9000, 3, 0.2);
  std::vector<float> mix(a), e0(a), e1(b);
  for (std::size_t i = 0; i < a.size(); ++i) mix[i] += b[i], e0[i] += hiss[i], e1[i] += 0.5f * hiss[i] + 0.1f * a[i];
  const std::vector<std::span<const float>> targets = {a, b}, estimates = {e1, e0};
  item_signals item(10000, mix, targets, estimates);
  const auto measure = [&](const named_metric& m, std::size_t e, std::size_t t) {
    return m.of_item ? m.of_item(item, e, t) : m.of_signals(item.estimate(e), item.target(t), item.rate());
  };
  const std::vector<std::size_t> swapped = {1, 0};
  const auto score = [&](const char* name) { return score_sources_by(*find_metric(name), swapped, measure); };
  std::vector<std::span<const float>> all = {e1, e0, mix};
  bss_eval bss{std::span<const std::span<const float>>(targets), std::span<const std::span<const float>>(all)};
  stoi_eval<float> stoi(10000, targets, all);
  EXPECT_EQ(score("sdr")[0].value, bss.sdr(1, 0).value);
  EXPECT_EQ(score("sdri")[1].value, bss.sdr(0, 1).value - bss.sdr(2, 1).value);
  EXPECT_EQ(score("siri")[0].value, bss.sir(1, 0).value - bss.sir(2, 0).value);
  EXPECT_EQ(score("sar")[1].value, bss.sar(0, 1).value);
  EXPECT_EQ(score("stoii")[0].value, stoi.stoi(1, 0).value - stoi.stoi(2, 0).value);
  EXPECT_EQ(score("estoi")[1].value, stoi.estoi(0, 1).value);
  EXPECT_EQ(score("zm_snr")[0].value, measure_snr(std::span<const float>(e0), std::span<const float>(a), true).value);
  for (const char* name : {"sdr", "sir", "stoi", "estoi", "zm_snr"})
    EXPECT_EQ(order_by(*find_metric(name)->metric, 2, measure), swapped) << name;
  EXPECT_TRUE(says(error_of([&] { item_signals(10000, mix, targets, {a}); }), "1 estimates of 2 targets"));
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
