#include <gtest/gtest.h>

#include <avss/dsp/joint_level.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using signal = std::vector<float>;

signal join(std::initializer_list<signal> parts) {
  signal all;
  for (const signal& p : parts) all.insert(all.end(), p.begin(), p.end());
  return all;
}

signal scaled(signal x, double g) {
  for (float& v : x) v = static_cast<float>(v * g);
  return x;
}

signal sum(signal x, const signal& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  return x;
}

std::vector<double> gains(const signal& mixture, const signal& estimates) {
  joint_level level(estimates.size() / mixture.size());
  level.add(mixture, estimates);
  return level.gains();
}

TEST(joint_level, undoes_any_scale_and_sign) {
  const signal a = noise(3000, 1), b = noise(3000, 2, 0.1), c = tone(3000, 0.013);
  const auto g = gains(sum(sum(a, b), c), join({scaled(a, 1e3), scaled(b, -1e-4), scaled(c, 7)}));
  EXPECT_NEAR(g[0] * 1e3, 1, 1e-6);
  EXPECT_NEAR(g[1] * -1e-4, 1, 1e-6);
  EXPECT_NEAR(g[2] * 7, 1, 1e-6);
}

TEST(joint_level, does_not_depend_on_the_blocks) {
  const signal a = noise(3000, 1), b = noise(3000, 2), x = noise(3000, 3);
  joint_level level(2);
  for (std::size_t at = 0; at < 3000; at += 700) {
    const std::size_t n = std::min<std::size_t>(700, 3000 - at);
    const auto cut = [&](const signal& s) {
      return signal(s.begin() + static_cast<long>(at), s.begin() + static_cast<long>(at + n));
    };
    level.add(cut(x), join({cut(a), cut(b)}));
  }
  const auto whole = gains(x, join({a, b})), parts = level.gains();
  for (std::size_t s = 0; s < 2; ++s) EXPECT_NEAR(parts[s], whole[s], 1e-12);
}

TEST(joint_level, is_defined_for_silence_and_copies) {
  const signal a = noise(500, 1), silent(500, 0.f);
  EXPECT_EQ(gains(silent, join({a, scaled(a, 2)})), (std::vector<double>{0, 0}));
  EXPECT_EQ(gains(a, join({silent, silent})), (std::vector<double>{1, 1}));
  const auto one = gains(a, join({a, silent}));
  EXPECT_NEAR(one[0], 1, 1e-12);
  EXPECT_EQ(one[1], 1);
  const auto copies = gains(a, join({a, a}));
  EXPECT_NEAR(copies[0], 0.5, 1e-9);
  EXPECT_NEAR(copies[1], 0.5, 1e-9);
  const signal nearly = sum(a, noise(500, 2, 1e-4));
  for (double g : gains(sum(a, noise(500, 3, 0.5)), join({a, nearly}))) EXPECT_LT(std::abs(g), 2);
}

TEST(joint_level, refuses_estimates_of_another_length) {
  joint_level level(2);
  EXPECT_TRUE(says(error_of([&] { level.add(signal(5), signal(9)); }), "need 10 values, not 9"));
}

}  // namespace
}  // namespace avss
