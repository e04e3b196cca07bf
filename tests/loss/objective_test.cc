#include <gtest/gtest.h>

#include "tests/loss/signals.hpp"

namespace avss {
namespace {

using testing::problem;

TEST(objective, sums_the_weighted_parts) {
  constexpr auto objective = weighted{pit{si_snr{}}, 1.0} + weighted{snr{}, 0.1} + weighted{si_sdr{asteroid_eps, true}, -2.0};
  problem<double> p(2, 2, 30, 11);
  loss_detail detail;
  const double total = testing::loss_of(reference<double>{}, objective, p, &detail);
  const std::vector<double> gradient = p.gradient;

  ASSERT_EQ(detail.parts.size(), 3u);
  EXPECT_EQ(detail.parts[0].name, "pit_si_snr");
  EXPECT_EQ(detail.parts[1].name, "snr");
  EXPECT_EQ(detail.parts[2].name, "si_sdr");
  EXPECT_EQ(detail.parts[1].weight, 0.1);
  EXPECT_EQ(detail.parts[0].permutation, (std::vector<std::int32_t>{1, 0, 1, 0}));
  EXPECT_EQ(detail.parts[1].permutation, (std::vector<std::int32_t>{0, 1, 0, 1}));

  double sum = 0;
  std::vector<double> gradients(gradient.size());
  const auto add = [&](const auto& loss, double weight, std::size_t k) {
    const double value = testing::loss_of(reference<double>{}, loss, p);
    EXPECT_EQ(detail.parts[k].value, value);
    sum += weight * value;
    for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i] += weight * p.gradient[i];
  };
  add(pit{si_snr{}}, 1.0, 0);
  add(snr{}, 0.1, 1);
  add(si_sdr{asteroid_eps, true}, -2.0, 2);
  EXPECT_NEAR(total, sum, 1e-12);
  for (std::size_t i = 0; i < gradient.size(); ++i) EXPECT_NEAR(gradient[i], gradients[i], 1e-12);
}

TEST(objective, is_the_mean_over_items_and_sources) {
  problem<double> p(3, 2, 20, 31);
  std::vector<double> pairs(12);
  testing::planned(reference<double>{}, [&](auto& ctx) { pairwise(ctx, si_snr{}, p.e(), p.s(), pairs.data()); });
  double mean = 0;
  for (std::size_t b = 0; b < 3; ++b) mean += (pairs[b * 4] + pairs[b * 4 + 3]) / 6;
  EXPECT_NEAR(testing::loss_of(reference<double>{}, si_snr{}, p), mean, 1e-12);
}

TEST(objective, needs_no_gradient) {
  problem<double> p(1, 2, 20, 31);
  double value = 0;
  testing::planned(reference<double>{}, [&](auto& ctx) { value = evaluate(ctx, pit{si_snr{}}, p.e(), p.s()); });
  EXPECT_EQ(value, testing::loss_of(reference<double>{}, pit{si_snr{}}, p));
}

TEST(objective, says_what_does_not_fit) {
  arena memory(1 << 16);
  context<reference<double>> ctx({}, memory, pass::train);
  problem<double> p(1, 2, 20, 31), q(1, 2, 21, 31), none(1, 2, 0, 1);
  try {
    evaluate(ctx, si_snr{}, p.e(), q.s());
    FAIL();
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "the loss got estimates [1, 2, 20] and targets [1, 2, 21]; their shapes must be equal");
  }
  EXPECT_THROW(evaluate(ctx, si_snr{}, p.e(), p.s(), q.d()), error);
  EXPECT_THROW(evaluate(ctx, si_snr{}, none.e(), none.s()), error);
}

}  // namespace
}  // namespace avss
