// What metrics of separation promise for any signals, and that losses are the metrics with another sign.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/metric/named.hpp>
#include <avss/metric/separation.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "tests/loss/signals.hpp"

namespace avss {
namespace {

using testing::problem;

constexpr dim_t batch = 2, sources = 3, length = 40;

template <class T = float>
std::vector<T> noise(std::size_t n, std::uint32_t seed, double level) {
  const auto all = testing::lcg(seed, n);
  std::vector<T> x;
  for (const auto v : all) x.push_back(static_cast<T>(level * v));
  return x;
}

std::span<const double> row(const std::vector<double>& all, dim_t i) {
  return std::span(all).subspan(static_cast<std::size_t>(i * length), static_cast<std::size_t>(length));
}

// The mean of metric(estimate, target) over items and sources, of every item in the order that maximises it where `permuted`.
template <class Metric>
double mean_of(const problem<double>& p, bool permuted, Metric&& metric) {
  double sum = 0;
  for (dim_t b = 0; b < batch; ++b) {
    std::vector<double> score;
    for (dim_t e = 0; e < sources; ++e)
      for (dim_t t = 0; t < sources; ++t)
        score.push_back(metric(row(p.estimate, b * sources + e), row(p.target, b * sources + t)).value);
    const auto order = permuted ? best_permutation(score, sources) : given_order(sources);
    for (std::size_t t = 0; t < order.size(); ++t) sum += score[order[t] * sources + t];
  }
  return sum / (batch * sources);
}

// The loss is minus the metric, and its gradient minus the metric's slope, by differences of the metric.
template <class L, class Metric>
void expect_metric(const L& loss, bool permuted, Metric&& metric) {
  for (const std::uint32_t seed : {3u, 17u, 41u}) {
    problem<double> p(batch, sources, length, seed);
    const double value = testing::loss_of(reference<double>{}, loss, p);
    EXPECT_NEAR(value, -mean_of(p, permuted, metric), 1e-9);
    const std::vector<double> gradient = p.gradient;
    constexpr double step = 1e-5;
    for (std::size_t i = seed % 7; i < p.estimate.size(); i += 7) {
      const double kept = p.estimate[i];
      const auto moved = [&](double by) {
        p.estimate[i] = kept + by;
        const double m = mean_of(p, permuted, metric);
        p.estimate[i] = kept;
        return m;
      };
      EXPECT_NEAR(gradient[i], -(moved(step) - moved(-step)) / (2 * step), 1e-6) << "sample " << i << " of seed " << seed;
    }
  }
}

constexpr auto measured_si_snr = [](auto e, auto t) { return measure_si_snr(e, t); };
constexpr auto measured_si_sdr = [](auto e, auto t) { return measure_si_sdr(e, t); };
constexpr auto measured_snr = [](auto e, auto t) { return measure_snr(e, t); };

TEST(properties, gradients_of_losses_are_slopes_of_metrics) {
  expect_metric(si_snr{torchmetrics_double_eps}, false, measured_si_snr);
  expect_metric(si_sdr{torchmetrics_double_eps}, false, measured_si_sdr);
  expect_metric(snr{torchmetrics_double_eps}, false, measured_snr);
}

TEST(properties, and_so_with_the_best_permutation) {
  expect_metric(pit{si_snr{torchmetrics_double_eps}}, true, measured_si_snr);
  expect_metric(pit{si_sdr{torchmetrics_double_eps}}, true, measured_si_sdr);
  expect_metric(pit{snr{torchmetrics_double_eps}}, true, measured_snr);
}

TEST(properties, level_offset_and_sign) {
  for (std::uint32_t seed = 1; seed < 20; ++seed) {
    const auto t = noise<double>(500, seed, 0.5);
    auto e = noise<double>(500, 100 + seed, 0.2);
    for (std::size_t i = 0; i < e.size(); ++i) e[i] += t[i];
    const std::span<const double> target(t);
    const auto changed = [](std::vector<double> x, double gain, double offset) {
      for (double& v : x) v = gain * v + offset;
      return x;
    };
    const auto of = [&](auto metric, const std::vector<double>& estimate, const std::vector<double>& truth) {
      return metric(std::span<const double>(estimate), std::span<const double>(truth)).value;
    };
    const double si = of(measured_si_snr, e, t), scaled = of(measured_si_sdr, e, t), plain = of(measured_snr, e, t);
    for (const double gain : {-3., 0.01, 100.}) {
      EXPECT_NEAR(of(measured_si_snr, changed(e, gain, 0.7), t), si, 1e-9);
      EXPECT_NEAR(of(measured_si_snr, e, changed(t, gain, -0.2)), si, 1e-9);
      EXPECT_NEAR(of(measured_si_sdr, changed(e, gain, 0), t), scaled, 1e-9);
      EXPECT_NEAR(of(measured_snr, changed(e, gain, 0), changed(t, gain, 0)), plain, 1e-9);
      EXPECT_GT(std::abs(of(measured_snr, changed(e, gain, 0), t) - plain), 0.5);  // a level that is wrong counts
    }
    // cos^2 / sin^2 of the angle between the two, which is symmetric.
    const double tt = std::inner_product(t.begin(), t.end(), t.begin(), 0.),
                 ee = std::inner_product(e.begin(), e.end(), e.begin(), 0.),
                 et = std::inner_product(e.begin(), e.end(), t.begin(), 0.), square = et * et / (tt * ee);
    EXPECT_NEAR(scaled, 10 * std::log10(square / (1 - square)), 1e-9);
    EXPECT_NEAR(of(measured_si_sdr, t, e), scaled, 1e-9);
  }
}

// Estimates in another order, targets in another, both: the best assignment is the same one.
TEST(properties, the_best_permutation_follows_its_signals) {
  constexpr std::size_t n = 4;
  std::vector<std::vector<float>> targets, estimates;
  std::vector<float> mixture(600);
  for (std::uint32_t s = 0; s < n; ++s) {
    targets.push_back(noise(600, 10 + s, 0.3));
    for (std::size_t i = 0; i < mixture.size(); ++i) mixture[i] += targets.back()[i];
  }
  for (std::uint32_t s = 0; s < n; ++s) {
    estimates.push_back(noise(600, 20 + s, 0.1));
    for (std::size_t i = 0; i < mixture.size(); ++i) estimates[s][i] += targets[s][i] + 0.2f * targets[(s + 1) % n][i];
  }
  const auto joined = [](const std::vector<std::vector<float>>& signals, const std::vector<std::size_t>& order) {
    std::vector<float> all;
    for (const std::size_t s : order) all.insert(all.end(), signals[s].begin(), signals[s].end());
    return all;
  };
  const auto score = [&](const std::vector<std::size_t>& of_targets, const std::vector<std::size_t>& of_estimates) {
    std::vector<double> all;
    for (const source_scores& x :
         score_separation(std::span<const float>(mixture), std::span<const float>(joined(targets, of_targets)),
                          std::span<const float>(joined(estimates, of_estimates)), n, true))
      all.push_back(x.si_snr_improvement.value);
    return all;
  };
  std::vector<std::size_t> order = given_order(n);
  const std::vector<double> plain = score(order, order);
  do {
    EXPECT_EQ(score(given_order(n), order), plain);
    const std::vector<double> turned = score(order, given_order(n));
    for (std::size_t t = 0; t < n; ++t) EXPECT_EQ(turned[t], plain[order[t]]);
  } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace
}  // namespace avss
