#include <gtest/gtest.h>

#include <avss/metric/bss_eval.hpp>
#include <fstream>
#include <limits>

#include "tests/metric/speech_items.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using signal = std::vector<double>;
using views = speech_item::views;
using list = std::span<const std::span<const double>>;

bss_eval views_of(const views& targets, const views& estimates) { return {list(targets), list(estimates)}; }
bss_eval evaluate(const std::vector<signal>& targets, const std::vector<signal>& estimates) {
  return views_of(speech_item::of(targets), speech_item::of(estimates));
}

// mir_eval, to which fast_bss_eval and torchmetrics agree. The mixture's SAR is 52 dB: its last digits are those of 1e-5.
TEST(bss_eval, equals_mir_eval) {
  std::ifstream golden("tests/golden/speech_metrics_golden.txt");
  ASSERT_TRUE(golden);
  std::size_t compared = 0;
  for (const speech_item& x : speech_item::all()) {
    bss_eval found = evaluate(x.targets, x.estimates);
    for (std::size_t n = 0; n < x.targets.size() * x.estimates.size(); ++n) {
      std::string name;
      std::size_t e = 0, t = 0;
      double sdr = 0, sir = 0, sar = 0, stoi = 0, estoi = 0;
      ASSERT_TRUE(golden >> name >> e >> t >> sdr >> sir >> sar >> stoi >> estoi);
      ASSERT_EQ(name, x.name);
      EXPECT_NEAR(found.sdr(e, t).value, sdr, 1e-10) << name << ' ' << e << ' ' << t;
      EXPECT_NEAR(found.sir(e, t).value, sir, 1e-10) << name << ' ' << e << ' ' << t;
      EXPECT_NEAR(found.sar(e, t).value, sar, 1e-8) << name << ' ' << e << ' ' << t;
      EXPECT_EQ(found.sir(e, t).status, ratio_status::measured);
      compared += 3;
    }
  }
  EXPECT_EQ(compared, 90u);
}

TEST(bss_eval, does_not_see_level_sign_or_a_short_filter) {
  const speech_item x = speech_item::make(0, "two", 16000, 2, 12000);
  std::vector<signal> changed = x.estimates;
  for (double& v : changed[0]) v *= -1e-7;
  for (double& v : changed[1]) v *= 3e5;
  bss_eval a = evaluate(x.targets, x.estimates), b = evaluate(x.targets, changed);
  for (std::size_t e = 0; e < 2; ++e)
    for (std::size_t t = 0; t < 2; ++t) {
      EXPECT_NEAR(a.sdr(e, t).value, b.sdr(e, t).value, 1e-10);
      EXPECT_NEAR(a.sir(e, t).value, b.sir(e, t).value, 1e-10);
      EXPECT_NEAR(a.sar(e, t).value, b.sar(e, t).value, 1e-9);
    }
  signal late(x.targets[0].size());
  for (std::size_t n = 511; n < late.size(); ++n) late[n] = 0.5 * x.targets[0][n - 511];
  EXPECT_GT(evaluate(x.targets, {late}).sdr(0, 0).value, 40);  // all but the 511 samples that are cut off
  for (std::size_t n = late.size() - 1; n > 0; --n) late[n] = late[n - 1];
  EXPECT_LT(evaluate(x.targets, {late}).sdr(0, 0).value, 5);  // a sample too late
}

// The order in which targets are given, and who else is asked for, changes nothing.
TEST(bss_eval, numbers_belong_to_their_pair) {
  const speech_item x = speech_item::make(1, "three", 8000, 3, 5000);
  const views t = speech_item::of(x.targets), e = speech_item::of(x.estimates);
  bss_eval all = views_of(t, e), turned = views_of(views{t[2], t[0], t[1]}, views{e[1]}),
           alone = views_of(views{t[0]}, views{e[0]});
  EXPECT_NEAR(all.sdr(1, 2).value, turned.sdr(0, 0).value, 1e-10);
  EXPECT_NEAR(all.sir(1, 1).value, turned.sir(0, 2).value, 1e-10);
  EXPECT_NEAR(all.sar(1, 0).value, turned.sar(0, 1).value, 1e-10);
  EXPECT_NEAR(all.sdr(0, 0).value, alone.sdr(0, 0).value, 1e-10);
  EXPECT_EQ(all.sar(0, 0).value, all.sar(0, 2).value);
}

// SDR cannot be more than either of what it is made of.
TEST(bss_eval, bounds) {
  for (const speech_item& x : speech_item::all()) {
    bss_eval found = evaluate(x.targets, x.estimates);
    for (std::size_t e = 0; e < x.estimates.size(); ++e)
      for (std::size_t t = 0; t < x.targets.size(); ++t) {
        EXPECT_LE(found.sdr(e, t).value, found.sir(e, t).value + 1e-9);
        EXPECT_LE(found.sdr(e, t).value, found.sar(e, t).value + 1e-9);
      }
  }
}

TEST(bss_eval, perfect_estimates_are_bounded) {
  const speech_item x = speech_item::make(0, "two", 16000, 2, 8000);
  bss_eval found = evaluate(x.targets, x.targets);
  for (const ratio r : {found.sdr(0, 0), found.sir(1, 1), found.sar(0, 1)}) {
    EXPECT_GT(r.value, 120);
    EXPECT_LT(r.value, 157);
    EXPECT_EQ(r.status, ratio_status::measured);
  }
}

// A tone has only two dimensions, however often it is delayed; a source given twice, none of its own. Levinson's recursion
// breaks down on both, and what replaces it tells how much of the estimate is inside all the same.
TEST(bss_eval, spans_of_few_dimensions) {
  const std::size_t n = 8000;
  signal t = tone<double>(n, 0.0125, 0.5), e = noise<double>(n, 5, 0.05);
  double inside = 0, outside = 0;
  for (std::size_t i = 0; i < n; ++i) inside += t[i] * t[i], outside += e[i] * e[i];
  for (std::size_t i = 0; i < n; ++i) e[i] += t[i];
  const double found = evaluate({t}, {e}).sdr(0, 0).value;
  EXPECT_GT(found, 10 * std::log10(inside / outside) - 0.01);
  EXPECT_LT(found, 10 * std::log10(inside / outside) + 0.6);  // the span's ends take 512 / 8000 of the noise

  const speech_item x = speech_item::make(0, "two", 16000, 2, 3000);
  const views both = {x.targets[0], x.targets[0]}, estimate = {x.estimates[0]}, first = {x.targets[0]};
  bss_eval twice = views_of(both, estimate), single = views_of(first, estimate);
  EXPECT_NEAR(twice.sdr(0, 1).value, single.sdr(0, 0).value, 1e-9);
  EXPECT_NEAR(twice.sar(0, 0).value, single.sar(0, 0).value, 1e-6);
  EXPECT_EQ(single.sar(0, 0).value, single.sdr(0, 0).value);
}

// Both ways to the same number, where both are possible.
TEST(bss_eval, recursion_and_pivots_agree) {
  const speech_item x = speech_item::make(1, "three", 8000, 3, 4000);
  const views t = speech_item::of(x.targets), e = speech_item::of(x.estimates);
  views all = t;
  all.insert(all.end(), e.begin(), e.end());
  const lag_correlation c{list(all), 3};
  const std::size_t taps = 100;
  const auto scaled = [&](std::size_t i, std::size_t j) {
    std::vector<double> v(c(i, j).begin(), c(i, j).begin() + taps);
    for (double& k : v) k /= std::sqrt(c(i, i)[0] * (j < 3 ? c(j, j)[0] : 300));
    return v;
  };
  const block_toeplitz g(3, taps, scaled);
  signal sides;
  for (std::size_t k = 3; k < 7; ++k)
    for (std::size_t i = 0; i < 3; ++i) {
      const auto v = scaled(i, k);
      sides.insert(sides.end(), v.begin(), v.end());
    }
  signal a(4), b(4);
  ASSERT_TRUE(detail::span_by_levinson<3>(g, 4, sides.data(), a));
  detail::span_by_pivots(g, 4, sides.data(), b);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_GT(a[k], 0);
    EXPECT_NEAR(a[k] / b[k], 1, 1e-11);
  }
}

TEST(bss_eval, defines_every_result) {
  const speech_item x = speech_item::make(0, "two", 16000, 2, 2000);
  const signal silence(2000, 0);
  signal broken = x.estimates[0];
  broken[700] = std::numeric_limits<double>::quiet_NaN();
  bss_eval found = evaluate({x.targets[0], silence, x.targets[1]}, {x.estimates[0], silence, broken});
  EXPECT_EQ(found.sdr(0, 0).status, ratio_status::measured);
  EXPECT_EQ(found.sir(0, 0).status, ratio_status::measured);  // the silent one is no interference
  EXPECT_NEAR(found.sir(0, 0).value, evaluate(x.targets, x.estimates).sir(0, 0).value, 1e-10);
  EXPECT_EQ(found.sdr(0, 1).status, ratio_status::silent_target);
  EXPECT_EQ(found.sdr(1, 0).status, ratio_status::silent_estimate);
  EXPECT_TRUE(std::isfinite(found.sdr(1, 0).value) && std::isfinite(found.sar(1, 1).value));
  EXPECT_EQ(found.sdr(2, 0).status, ratio_status::not_finite);
  EXPECT_TRUE(std::isnan(found.sir(2, 0).value));

  bss_eval spoilt = evaluate({x.targets[0], broken}, {x.estimates[0]});
  EXPECT_NEAR(spoilt.sdr(0, 0).value, evaluate(x.targets, x.estimates).sdr(0, 0).value, 1e-10);
  EXPECT_EQ(spoilt.sir(0, 0).status, ratio_status::not_finite);

  const signal constant(2000, 0.1);
  EXPECT_EQ(evaluate({constant}, {x.estimates[0]}).sdr(0, 0).status, ratio_status::measured);
  EXPECT_EQ(evaluate({signal(511, 0.1)}, {noise<double>(511, 3)}).sdr(0, 0).status, ratio_status::too_short);
  EXPECT_EQ(evaluate({signal(1, 0.1)}, {signal(1, 0.2)}).sdr(0, 0).status, ratio_status::too_short);
  EXPECT_EQ(evaluate({signal()}, {signal()}).sdr(0, 0).status, ratio_status::empty);
  EXPECT_TRUE(says(error_of([&] { evaluate({constant}, {signal(1999)}); }), "1999", "2000", "equally long"));
}

// The definition, with plain sums.
TEST(lag_correlation, equals_the_sums) {
  for (const std::size_t n : {1u, 511u, 1537u, 3000u, 50001u}) {
    const signal a = noise<double>(n, 1), b = noise<double>(n, 2);
    const views both = {a, b};
    const lag_correlation c{list(both), 2};
    for (const std::size_t k : {0u, 1u, 255u, 511u}) {
      double ab = 0, ba = 0, bb = 0;
      for (std::size_t i = 0; i + k < n; ++i) ab += a[i] * b[i + k], ba += b[i] * a[i + k], bb += b[i] * b[i + k];
      EXPECT_NEAR(c(0, 1)[k], ab, 1e-10);
      EXPECT_NEAR(c(1, 0)[k], ba, 1e-10);
      EXPECT_NEAR(c(1, 1)[k], bb, 1e-10);
    }
  }
}

}  // namespace
}  // namespace avss
