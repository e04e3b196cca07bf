// Expected values: torchmetrics and asteroid in double, on signals from a formula.
#include <gtest/gtest.h>

#include <avss/metric/ratio.hpp>
#include <avss/metric/separation.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using signal = std::vector<double>;
using view = std::span<const double>;

struct scene {
  static constexpr std::size_t n = 32000;
  signal s1 = signal(n), s2 = s1, e1 = s1, e2 = s1, mix = s1;

  scene() {
    lcg u101(101), u102(102), u103(103), u104(104);
    const auto envelope = [](double f, double phase, std::size_t i) {
      const double v = std::max(0., std::sin(2 * std::numbers::pi * f * static_cast<double>(i) / 16000 + phase));
      return v * v;
    };
    for (std::size_t i = 0; i < n; ++i) {
      s1[i] = .5 * u101() * envelope(2.3, 0, i);
      s2[i] = .5 * u102() * envelope(3.1, 1, i);
      mix[i] = s1[i] + s2[i];
    }
    for (std::size_t i = 0; i < n; ++i) {
      e1[i] = .8 * s1[i] + .3 * (i < 5 ? 0 : s1[i - 5]) + .1 * s2[i] + .01 * u103() + .01;
      e2[i] = .7 * s2[i] + .2 * s1[i] + .01 * u104();
    }
  }
};

const scene& golden() {
  static const scene s;
  return s;
}

signal join(const signal& a, const signal& b) {
  signal both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

constexpr double tolerance = 1e-10;  // dB

TEST(ratio, equals_torchmetrics) {
  const scene& g = golden();
  EXPECT_NEAR(measure_si_sdr(view(g.e1), view(g.s1)).value, 7.740922907590041, tolerance);
  EXPECT_NEAR(measure_si_snr(view(g.e1), view(g.s1)).value, 7.989791080706938, tolerance);
  EXPECT_NEAR(measure_si_sdr(view(g.e1), view(g.s1), true).value, 7.989791080706938, tolerance);
  EXPECT_NEAR(measure_snr(view(g.e1), view(g.s1)).value, 8.31446244309328, tolerance);
  EXPECT_NEAR(measure_si_snr(view(g.e2), view(g.s2)).value, 10.823389757463149, tolerance);
  EXPECT_NEAR(measure_si_snr(view(g.mix), view(g.s1)).value, -0.0699879471470571, tolerance);
  EXPECT_NEAR(measure_si_snr(view(g.mix), view(g.s2)).value, 0.16984087757037095, tolerance);
  EXPECT_EQ(measure_si_snr(view(g.e1), view(g.s1)).status, ratio_status::measured);
}

// asteroid's loss: less means, and with 1e-8 added to the ratio where torchmetrics adds 2.2e-16 to the energies.
double asteroid(ratio r) { return -10 * std::log10(std::pow(10, r.value / 10) + 1e-8); }

TEST(ratio, equals_asteroid_up_to_its_eps) {
  const scene& g = golden();
  const signal* estimates[] = {&g.e2, &g.e1};
  const signal* targets[] = {&g.s1, &g.s2};
  const double si_sdr_loss[2][2] = {{10.856857747409933, -10.823389758993313}, {-7.9897910866648445, 18.216616915448704}};
  const double snr_loss[2][2] = {{0.568958028099592, -8.864968474858244}, {-8.494568268037309, 1.8096472093173497}};
  for (int e = 0; e < 2; ++e)
    for (int t = 0; t < 2; ++t) {
      EXPECT_NEAR(asteroid(measure_si_snr(view(*estimates[e]), view(*targets[t]))), si_sdr_loss[e][t],
                  3e-9);  // its 1e-8 on the residual, too
      EXPECT_NEAR(asteroid(measure_snr(view(*estimates[e]), view(*targets[t]), true)), snr_loss[e][t], 3e-9);
    }
}

TEST(ratio, one_permutation_chosen_by_si_snr) {
  const scene& g = golden();
  const signal targets = join(g.s1, g.s2), estimates = join(g.e2, g.e1);
  const auto with = score_separation(view(g.mix), view(targets), view(estimates), 2, true);
  const auto without = score_separation(view(g.mix), view(targets), view(estimates), 2, false);
  EXPECT_EQ(with[0].estimate, 1u);
  EXPECT_EQ(with[1].estimate, 0u);
  EXPECT_NEAR((asteroid(with[0].si_snr) + asteroid(with[1].si_snr)) / 2, -9.40659042282908, 3e-9);
  EXPECT_NEAR(with[0].si_snr_improvement.value, 7.989791080706938 + 0.0699879471470571, tolerance);
  EXPECT_NEAR(with[1].si_snr_improvement.value, 10.823389757463149 - 0.16984087757037095, tolerance);
  EXPECT_NEAR(with[0].si_sdr.value, 7.740922907590041, tolerance);
  EXPECT_NEAR(with[0].snr.value, 8.31446244309328, tolerance);
  EXPECT_NEAR(with[0].snr_improvement.value, 8.31446244309328 - measure_snr(view(g.mix), view(g.s1)).value, tolerance);
  EXPECT_EQ(without[0].estimate, 0u);
  EXPECT_NEAR(asteroid(without[0].si_snr), 10.856857747409933, 1e-9);
  EXPECT_NEAR(asteroid(without[1].si_snr), 18.216616915448704, 1e-9);
}

TEST(ratio, does_not_depend_on_the_blocks) {
  const scene& g = golden();
  const signal targets = join(g.s1, g.s2), estimates = join(g.e1, g.e2);
  const auto whole = score_separation(view(g.mix), view(targets), view(estimates), 2, false);
  for (const std::size_t block : {1u, 999u, 4096u}) {
    separation_meter meter(2);
    for (const bool first : {true, false})
      for (std::size_t at = 0; at < scene::n; at += block) {
        const std::size_t count = std::min(block, scene::n - at);
        const auto cut = [&](const signal& a, const signal& b) {
          signal part(a.begin() + static_cast<long>(at), a.begin() + static_cast<long>(at + count));
          part.insert(part.end(), b.begin() + static_cast<long>(at), b.begin() + static_cast<long>(at + count));
          return part;
        };
        const signal t = cut(g.s1, g.s2), e = cut(g.e1, g.e2);
        const view m = view(g.mix).subspan(at, count);
        first ? meter.observe(m, view(t), view(e)) : meter.resolve(m, view(t), view(e));
      }
    const auto parts = meter.scores(false);
    for (int t = 0; t < 2; ++t) {
      EXPECT_NEAR(parts[t].si_snr.value, whole[t].si_snr.value, 1e-11);
      EXPECT_NEAR(parts[t].si_sdr_improvement.value, whole[t].si_sdr_improvement.value, 1e-11);
      EXPECT_NEAR(parts[t].snr.value, whole[t].snr.value, 1e-11);
    }
  }
}

// An estimate 200 dB above its error: |e|^2 - |a t|^2 would be all rounding.
TEST(ratio, keeps_its_digits_for_a_good_estimate) {
  const signal t = noise<double>(4000, 1);
  const signal d = noise<double>(4000, 2);
  signal e = t;
  double energy = 0, error_energy = 0;
  for (std::size_t i = 0; i < t.size(); ++i) {
    e[i] += 1e-10 * d[i];
    energy += t[i] * t[i];
    error_energy += (e[i] - t[i]) * (e[i] - t[i]);
  }
  const double eps = std::numeric_limits<double>::epsilon();
  EXPECT_NEAR(measure_snr(view(e), view(t)).value, 10 * std::log10((energy + eps) / (error_energy + eps)), 1e-9);
  EXPECT_NEAR(measure_si_sdr(view(e), view(t)).value, measure_snr(view(e), view(t)).value, 0.01);
  EXPECT_NEAR(measure_snr(view(t), view(t)).value, 10 * std::log10((energy + eps) / eps), 1e-9);
}

TEST(ratio, a_large_offset_costs_no_digits) {
  const scene& g = golden();
  signal e = g.e1, t = g.s1;
  for (double& v : e) v += 1000;
  for (double& v : t) v -= 3000;
  EXPECT_NEAR(measure_si_snr(view(e), view(t)).value, 7.989791080706938, 1e-8);  // 1000 + x itself has 1e-13 of rounding
}

TEST(ratio, defines_every_result) {
  const signal x = noise<double>(100, 3), zero(100, 0), constant(100, 0.1), other(100, 0.3);
  const auto same = [](ratio r, ratio_status status) {
    EXPECT_EQ(r.status, status) << name_of(r.status);
    const bool number = status != ratio_status::not_finite && status != ratio_status::empty;
    EXPECT_EQ(std::isfinite(r.value), number);
  };
  for (const auto& metric :
       {+[](view e, view t) { return measure_si_snr(e, t); }, +[](view e, view t) { return measure_si_sdr(e, t); },
        +[](view e, view t) { return measure_snr(e, t); }}) {
    same(metric(zero, x), ratio_status::silent_estimate);
    same(metric(x, zero), ratio_status::silent_target);
    same(metric(zero, zero), ratio_status::silent_target);
    same(metric(view{}, view{}), ratio_status::empty);
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e300}) {
      signal broken = x;
      broken[50] = bad;
      same(metric(broken, x), ratio_status::not_finite);
      same(metric(x, broken), ratio_status::not_finite);
    }
  }
  same(measure_si_snr(view(constant), view(x)), ratio_status::silent_estimate);
  same(measure_si_snr(view(x), view(constant)), ratio_status::silent_target);
  same(measure_si_sdr(view(constant), view(x)), ratio_status::measured);
  same(measure_snr(view(other), view(constant), true), ratio_status::silent_target);
  EXPECT_NEAR(measure_snr(view(zero), view(x)).value, 0, 1e-12);  // a silent estimate's residual is the target
  EXPECT_TRUE(says(error_of([&] { measure_snr(view(x), view(x).first(99)); }), "100", "99", "equally long"));
}

TEST(ratio, a_broken_source_does_not_spoil_the_others) {
  const scene& g = golden();
  signal broken = g.e2;
  broken[7] = std::numeric_limits<double>::quiet_NaN();
  const auto scores = score_separation(view(g.mix), view(join(g.s1, g.s2)), view(join(broken, g.e1)), 2, true);
  EXPECT_EQ(scores[0].estimate, 1u);
  EXPECT_EQ(scores[0].si_snr.status, ratio_status::measured);
  EXPECT_EQ(scores[1].si_snr_improvement.status, ratio_status::not_finite);
}

TEST(ratio, takes_float_signals) {
  const scene& g = golden();
  const std::vector<float> e(g.e1.begin(), g.e1.end()), t(g.s1.begin(), g.s1.end());
  EXPECT_NEAR(measure_si_sdr(std::span<const float>(e), std::span<const float>(t)).value, 7.740922907590041, 1e-6);
}

}  // namespace
}  // namespace avss
