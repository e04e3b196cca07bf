#include <gtest/gtest.h>

#include <avss/dsp/resample.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

template <class T>
class resample_of : public ::testing::Test {
 protected:
  static constexpr double tolerance = std::is_same_v<T, double> ? 2e-14 : 2e-7;
};
using types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(resample_of, types);

// tests/golden/make_resample_golden.py
TYPED_TEST(resample_of, equals_torchaudio) {
  std::ifstream golden("tests/golden/resample.txt");
  dim_t from, to, length, expected;
  std::uint32_t seed;
  int cases = 0;
  while (golden >> from >> to >> length >> seed >> expected) {
    ++cases;
    const auto x = noise<TypeParam>(static_cast<std::size_t>(length), seed);
    const auto y = resample(std::span<const TypeParam>(x), from, to);
    ASSERT_EQ(static_cast<dim_t>(y.size()), expected) << from << ' ' << to;
    for (dim_t i = 0; i < expected; ++i) {
      double value;
      golden >> value;
      EXPECT_NEAR(y[static_cast<std::size_t>(i)], value, this->tolerance) << from << ' ' << to << ' ' << i;
    }
  }
  EXPECT_EQ(cases, 11);
}

TYPED_TEST(resample_of, does_not_depend_on_the_blocks) {
  const auto x = noise<TypeParam>(5003, 1);
  for (const auto& [from, to] : {std::pair{44100, 16000}, {8000, 16000}, {16000, 8000}, {16000, 16000}, {48000, 44100}}) {
    const auto whole = resample(std::span<const TypeParam>(x), from, to);
    EXPECT_EQ(static_cast<dim_t>(whole.size()), resampled_length(5003, from, to));
    resampler<TypeParam> r(from, to);
    for (const std::size_t block : {1u, 100u, 5003u}) {
      std::vector<TypeParam> y;
      for (std::size_t at = 0; at < x.size(); at += block) r.push(std::span(x).subspan(at, std::min(block, x.size() - at)), y);
      r.finish(y);  // and starts anew
      ASSERT_EQ(y, whole) << from << ' ' << to << ' ' << block;
    }
  }
}

TEST(resample, length_is_exact_for_every_length) {
  for (const auto& [from, to] : {std::pair{44100, 16000}, {16000, 44100}, {3, 2}, {2, 3}, {8000, 8001}})
    for (dim_t length = 0; length < 60; ++length) {
      const auto y = resample(std::span<const double>(std::vector<double>(static_cast<std::size_t>(length), 1.)), from, to);
      ASSERT_EQ(static_cast<dim_t>(y.size()), (length * to + from - 1) / from) << from << ' ' << to << ' ' << length;
    }
  EXPECT_EQ(resampled_length(dim_t{1} << 58, 44100, 16000), dim_t{104573379102661858});  // no overflow
}

TEST(resample, keeps_a_tone_and_removes_what_would_alias) {
  const auto low = tone<double>(44100, 1000. / 44100), high = tone<double>(44100, 15000. / 44100);
  const auto kept = resample(std::span<const double>(low), 44100, 16000);
  const auto expected = tone<double>(16000, 1000. / 16000);
  for (std::size_t i = 100; i < 15900; ++i) ASSERT_NEAR(kept[i], expected[i], 2e-3);
  const auto removed = resample(std::span<const double>(high), 44100, 16000);
  for (std::size_t i = 100; i < 15900; ++i) ASSERT_NEAR(removed[i], 0, 2e-3);
}

// Rates without a common divisor: the table would be too large, rows are made on the fly.
TEST(resample, takes_any_pair_of_rates) {
  const auto x = tone<double>(400, 0.01);
  const auto y = resample(std::span<const double>(x), 655357, 655331);
  ASSERT_EQ(y.size(), 400u);
  for (std::size_t i = 50; i < 350; ++i)
    ASSERT_NEAR(y[i], std::sin(2 * std::numbers::pi * 0.01 * static_cast<double>(i) * 655357 / 655331), 2e-3);
  const auto few = resample(std::span<const double>(x), 100003, 1);
  EXPECT_EQ(few.size(), 1u);
}

TEST(resample, refuses_rates_that_are_none) {
  EXPECT_TRUE(says(error_of([] { resampler<float>(0, 8000); }), "0 Hz", "positive"));
  EXPECT_TRUE(says(error_of([] { resampler<float>(8000, -1); }), "-1 Hz"));
}

}  // namespace
}  // namespace avss
