#include <gtest/gtest.h>

#include "tests/loss/signals.hpp"

namespace avss {
namespace {

using testing::planned;
using testing::problem;
using testing::two_speakers;

std::vector<double> join(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

// Loss of every estimate against every target of one item with two sources.
template <class L>
std::vector<double> pairs_of(const L& loss, const std::vector<double>& estimates, const std::vector<double>& targets) {
  const testing::signal_shape extents(1, 2, estimates.size() / 2);
  std::vector<double> result(4);
  planned(reference<double>{}, [&](auto& ctx) {
    pairwise(ctx, loss, view<testing::signal_shape, const double>{estimates.data(), extents},
             view<testing::signal_shape, const double>{targets.data(), extents}, result.data());
  });
  return result;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance) << "at " << i;
}

class golden : public ::testing::Test {
 protected:
  two_speakers signals;
  std::vector<double> estimates = join(signals.e2, signals.e1), targets = join(signals.s1, signals.s2);
};

// torchmetrics in float64 on (e1, s1) and (e2, s2).
TEST_F(golden, torchmetrics) {
  constexpr auto eps = torchmetrics_double_eps;
  const auto sdr = pairs_of(si_sdr{eps}, estimates, targets);
  const auto si = pairs_of(si_snr{eps}, estimates, targets);
  const auto plain = pairs_of(snr{eps}, estimates, targets);
  EXPECT_NEAR(sdr[2], -7.740922907590041, 1e-9);
  EXPECT_NEAR(si[2], -7.989791080706938, 1e-9);
  EXPECT_NEAR(si[1], -10.823389757463149, 1e-9);
  EXPECT_NEAR(plain[2], -8.31446244309328, 1e-9);
}

TEST_F(golden, improvement_over_the_mixture) {
  std::vector<double> mix(two_speakers::n);
  for (std::size_t t = 0; t < mix.size(); ++t) mix[t] = signals.s1[t] + signals.s2[t];
  const auto si = pairs_of(si_snr{torchmetrics_double_eps}, join(mix, mix), targets);
  EXPECT_NEAR(si[0], 0.0699879471470571, 1e-9);
  EXPECT_NEAR(si[1], -0.16984087757037095, 1e-9);
}

// asteroid's PairwiseNegSDR (means subtracted) on [e2, e1] against [s1, s2].
TEST_F(golden, asteroid) {
  expect_near(pairs_of(si_sdr{asteroid_eps, true}, estimates, targets),
              {10.856857747409933, -10.823389758993313, -7.9897910866648445, 18.216616915448704}, 1e-9);
  expect_near(pairs_of(sd_sdr{asteroid_eps, true}, estimates, targets),
              {14.383515753523666, -5.784116066278752, -6.574562066033639, 21.491545676225826}, 1e-9);
  expect_near(pairs_of(snr{asteroid_eps, true}, estimates, targets),
              {0.568958028099592, -8.864968474858244, -8.494568268037309, 1.8096472093173497}, 1e-9);
}

TEST_F(golden, thresholded_snr) {
  const auto found = pairs_of(thresholded_snr{30, torchmetrics_double_eps}, estimates, targets);
  EXPECT_NEAR(found[2], -8.28510206011661, 1e-9);
}

template <class L>
void check_gradient(const L& loss) {
  problem<double> p(2, 3, 11, 7);
  const double value = testing::loss_of(reference<double>{}, loss, p);
  ASSERT_TRUE(std::isfinite(value));
  const std::vector<double> gradient = p.gradient;
  const double step = 1e-5;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double x = p.estimate[i];
    p.estimate[i] = x + step;
    const double up = testing::loss_of(reference<double>{}, loss, p);
    p.estimate[i] = x - step;
    const double down = testing::loss_of(reference<double>{}, loss, p);
    p.estimate[i] = x;
    EXPECT_NEAR(gradient[i], (up - down) / (2 * step), 1e-8) << "at " << i;
  }
}

TEST(energy_ratio, gradients) {
  // An eps that is not small against the energies: its share in the gradient shows.
  for (const ratio_eps eps : {torchmetrics_eps, torchmetrics_double_eps, asteroid_eps, ratio_eps{0.3, eps_place::both_sides},
                              ratio_eps{0.3, eps_place::log_argument}}) {
    check_gradient(si_snr{eps});
    for (const bool zero_mean : {false, true}) {
      check_gradient(si_sdr{eps, zero_mean});
      check_gradient(sd_sdr{eps, zero_mean});
      check_gradient(snr{eps, zero_mean});
      check_gradient(thresholded_snr{5, eps, zero_mean});
    }
    check_gradient(pit{si_snr{eps}});
    check_gradient(pit{sd_sdr{eps}});
    check_gradient(weighted{pit{si_snr{eps}}, 0.7} + weighted{snr{eps}, 0.2} + weighted{pit{sd_sdr{eps}}, -0.1});
  }
}

TEST(energy_ratio, scale_invariance) {
  problem<double> p(1, 2, 64, 21);
  const double before = testing::loss_of(reference<double>{}, si_snr{torchmetrics_double_eps}, p);
  for (double& x : p.estimate) x *= -37.5;
  EXPECT_NEAR(testing::loss_of(reference<double>{}, si_snr{torchmetrics_double_eps}, p), before, 1e-9);
}

TEST(energy_ratio, precise_where_the_estimate_is_nearly_perfect) {
  problem<double> p(1, 1, 4000, 3);
  const double level = 1e-5;
  const auto noise = testing::lcg(99, 4000);
  double signal = 0, rest = 0;
  for (std::size_t t = 0; t < 4000; ++t) {
    p.estimate[t] = p.target[t] + level * noise[t];
    signal += p.target[t] * p.target[t];
    rest += level * noise[t] * level * noise[t];
  }
  const double expected = -10 * std::log10(signal / rest);
  EXPECT_NEAR(testing::loss_of(reference<double>{}, snr{torchmetrics_double_eps}, p), expected, 1e-5);
  EXPECT_NEAR(testing::loss_of(reference<double>{}, si_sdr{torchmetrics_double_eps}, p), expected, 1e-2);
}

template <class L, class B, class T>
void check_finite(const L& loss, B backend, problem<T>& p) {
  EXPECT_TRUE(std::isfinite(testing::loss_of(backend, loss, p)));
  for (T g : p.gradient) ASSERT_TRUE(std::isfinite(g));
}

template <class B>
void check_silence(B backend) {
  using T = typename B::value_type;
  for (const ratio_eps eps : {torchmetrics_eps, torchmetrics_double_eps, asteroid_eps})
    for (const int which : {0, 1, 2, 3, 4}) {
      problem<T> p(2, 2, 50, 5);
      if (which < 3) std::fill_n(p.target.begin(), 50, which == 1 ? T(0.25) : T(0));       // silent, or only an offset
      if (which == 2) std::fill_n(p.estimate.begin(), 100, T(0));                          // both
      if (which == 3) std::copy_n(p.target.begin(), p.target.size(), p.estimate.begin());  // perfect
      if (which == 4) std::fill(p.estimate.begin(), p.estimate.end(), T(0));
      check_finite(si_snr{eps}, backend, p);
      check_finite(si_sdr{eps}, backend, p);
      check_finite(sd_sdr{eps}, backend, p);
      check_finite(snr{eps}, backend, p);
      check_finite(thresholded_snr{30, eps}, backend, p);
      check_finite(pit{si_snr{eps}}, backend, p);
    }
}

TEST(energy_ratio, silence_stays_finite) {
  check_silence(reference<double>{});
  check_silence(reference<float>{});
  check_silence(cpu{1});
}

TEST(energy_ratio, silent_target_rule) {
  problem<double> p(1, 1, 50, 5);
  std::fill(p.target.begin(), p.target.end(), 0.0);
  double energy = 0;
  for (double x : p.estimate) energy += x * x;
  const double eps = torchmetrics_eps.value;
  EXPECT_NEAR(testing::loss_of(reference<double>{}, si_sdr{}, p), 10 * std::log10((energy + eps) / eps), 1e-9);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_GT(p.gradient[i] * p.estimate[i], 0);
  EXPECT_NEAR(testing::loss_of(reference<double>{}, si_sdr{asteroid_eps}, p), 80, 1e-9);
  for (double g : p.gradient) EXPECT_EQ(g, 0);
}

TEST(energy_ratio, refuses_eps_that_is_not_positive) {
  problem<double> p(1, 1, 4, 1);
  EXPECT_THROW(testing::loss_of(reference<double>{}, si_snr{ratio_eps{0, eps_place::both_sides}}, p), error);
}

}  // namespace
}  // namespace avss
