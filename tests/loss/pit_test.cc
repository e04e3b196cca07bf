#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/loss/signals.hpp"

namespace avss {
namespace {

using testing::problem;

TEST(pit, golden_two_speakers) {
  const testing::two_speakers s;
  std::vector<double> estimates = s.e2, targets = s.s1;
  estimates.insert(estimates.end(), s.e1.begin(), s.e1.end());
  targets.insert(targets.end(), s.s2.begin(), s.s2.end());
  const testing::signal_shape extents(1, 2, testing::two_speakers::n);
  const auto value = [&](const auto& loss) {
    double v = 0;
    testing::planned(reference<double>{}, [&](auto& ctx) {
      loss_detail detail;
      v = evaluate(ctx, loss, view<testing::signal_shape, const double>{estimates.data(), extents},
                   view<testing::signal_shape, const double>{targets.data(), extents}, &detail);
      if constexpr (std::is_same_v<std::remove_reference_t<decltype(ctx)>, context<reference<double>>>) {
        EXPECT_EQ(detail.parts[0].permutation, (std::vector<std::int32_t>{1, 0}));
      }
    });
    return v;
  };
  EXPECT_NEAR(value(pit{si_sdr{asteroid_eps, true}}), -9.40659042282908, 1e-9);
  EXPECT_NEAR(value(pit{sd_sdr{asteroid_eps, true}}), -6.179339066156196, 1e-9);
  EXPECT_NEAR(value(pit{snr{asteroid_eps, true}}), -8.679768371447777, 1e-9);
}

double cost_of(dim_t n, const std::vector<double>& cost, const std::vector<std::int32_t>& chosen) {
  double sum = 0;
  for (dim_t c = 0; c < n; ++c) sum += cost[static_cast<std::size_t>(chosen[c] * n + c)];
  return sum;
}

TEST(assignment, both_methods_agree) {
  std::uint32_t seed = 1;
  for (dim_t n = 1; n <= 6; ++n)
    for (int trial = 0; trial < 200; ++trial) {
      const auto cost = testing::lcg(seed++, static_cast<std::size_t>(n * n));
      std::vector<std::int32_t> a(n), b(n);
      assign_exhaustively(n, cost.data(), a.data());
      assign_by_shortest_paths(n, cost.data(), b.data());
      EXPECT_EQ(a, b) << n << " sources, trial " << trial;
      EXPECT_NEAR(cost_of(n, cost, a), cost_of(n, cost, b), 1e-12);
    }
}

TEST(assignment, finds_a_hidden_permutation) {
  for (dim_t n : {7, 12, 32}) {
    auto cost = testing::lcg(static_cast<std::uint32_t>(n), static_cast<std::size_t>(n * n));
    std::vector<std::int32_t> hidden(n), found(n);
    std::iota(hidden.begin(), hidden.end(), 0);
    for (dim_t c = n - 1; c > 0; --c) std::swap(hidden[c], hidden[(c * 7 + 3) % (c + 1)]);
    for (dim_t c = 0; c < n; ++c) cost[static_cast<std::size_t>(hidden[c] * n + c)] -= 10;
    assign(n, cost.data(), found.data());
    EXPECT_EQ(found, hidden);
  }
}

TEST(assignment, first_of_equals) {
  const std::vector<double> equal(16, 2.5);
  std::vector<std::int32_t> chosen(4);
  assign(4, equal.data(), chosen.data());
  EXPECT_EQ(chosen, (std::vector<std::int32_t>{0, 1, 2, 3}));
}

TEST(assignment, ends_whatever_the_costs) {
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (dim_t n : {2, 3, 8}) {
    for (double bad : {inf, -inf, nan}) {
      std::vector<double> cost(static_cast<std::size_t>(n * n), bad);
      std::vector<std::int32_t> chosen(n);
      assign(n, cost.data(), chosen.data());
      std::sort(chosen.begin(), chosen.end());
      for (dim_t i = 0; i < n; ++i) EXPECT_EQ(chosen[i], i);
    }
  }
  EXPECT_THROW(assign(33, nullptr, nullptr), error);
}

// Many sources, one hidden permutation an item: value, permutation and gradient are those of the sorted problem.
TEST(pit, follows_the_permutation) {
  for (dim_t n : {3, 8}) {
    const dim_t length = 40;
    problem<double> p(2, n, length, 17);  // estimate s is mostly target s + 1
    loss_detail detail;
    const double value = testing::loss_of(reference<double>{}, pit{si_snr{}}, p, &detail);
    ASSERT_EQ(detail.parts.size(), 1u);
    EXPECT_EQ(detail.parts[0].name, "pit_si_snr");
    for (dim_t b = 0; b < 2; ++b)
      for (dim_t j = 0; j < n; ++j) EXPECT_EQ(detail.parts[0].permutation[b * n + j], (j + n - 1) % n);

    problem<double> sorted = p;
    const auto row = [&](std::vector<double>& v, dim_t b, dim_t s) { return v.begin() + (b * n + s) * length; };
    for (dim_t b = 0; b < 2; ++b)
      for (dim_t j = 0; j < n; ++j) std::copy_n(row(p.estimate, b, (j + n - 1) % n), length, row(sorted.estimate, b, j));
    EXPECT_NEAR(testing::loss_of(reference<double>{}, si_snr{}, sorted), value, 1e-12);
    for (dim_t b = 0; b < 2; ++b)
      for (dim_t j = 0; j < n; ++j)
        for (dim_t t = 0; t < length; ++t) EXPECT_EQ(row(p.gradient, b, (j + n - 1) % n)[t], row(sorted.gradient, b, j)[t]);
  }
}

TEST(pit, not_a_number_goes_through) {
  problem<double> p(1, 3, 8, 2);
  p.estimate[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(testing::loss_of(reference<double>{}, pit{si_snr{}}, p)));
}

}  // namespace
}  // namespace avss
