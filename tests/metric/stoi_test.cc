#include <gtest/gtest.h>

#include <avss/metric/stoi.hpp>
#include <fstream>
#include <limits>

#include "tests/metric/speech_items.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using signal = std::vector<double>;
using views = speech_item::views;

ratio stoi_of(const signal& estimate, const signal& target, int rate = 16000, bool extended = false) {
  const views t = {target}, e = {estimate};
  stoi_eval<double> found(rate, t, e);
  return extended ? found.estoi(0, 0) : found.stoi(0, 0);
}

// Sounds with frames of silence between them, at four rates.
TEST(stoi, equals_pystoi) {
  std::ifstream golden("tests/golden/speech_metrics_golden.txt");
  ASSERT_TRUE(golden);
  std::size_t compared = 0;
  for (const speech_item& x : speech_item::all()) {
    const views targets = speech_item::of(x.targets), estimates = speech_item::of(x.estimates);
    stoi_eval<double> found(x.rate, targets, estimates);
    for (std::size_t n = 0; n < x.targets.size() * x.estimates.size(); ++n) {
      std::string name;
      std::size_t e = 0, t = 0;
      double sdr = 0, sir = 0, sar = 0, stoi = 0, estoi = 0;
      ASSERT_TRUE(golden >> name >> e >> t >> sdr >> sir >> sar >> stoi >> estoi);
      ASSERT_EQ(name, x.name);
      EXPECT_NEAR(found.stoi(e, t).value, stoi, 1e-12) << name << ' ' << e << ' ' << t;
      EXPECT_NEAR(found.estoi(e, t).value, estoi, 1e-11) << name << ' ' << e << ' ' << t;
      EXPECT_EQ(found.stoi(e, t).status, ratio_status::measured);
      compared += 2;
    }
  }
  EXPECT_EQ(compared, 60u);
}

TEST(stoi, does_not_see_level_and_is_one_for_the_target) {
  const speech_item x = speech_item::make(0, "two", 16000, 2, 16000);
  signal loud = x.estimates[0];
  for (double& v : loud) v *= 50;
  for (const bool extended : {false, true}) {
    EXPECT_NEAR(stoi_of(loud, x.targets[0], 16000, extended).value,
                stoi_of(x.estimates[0], x.targets[0], 16000, extended).value, 1e-10);
    EXPECT_NEAR(stoi_of(x.targets[0], x.targets[0], 16000, extended).value, 1, 1e-10);
    const double other = stoi_of(x.targets[1], x.targets[0], 16000, extended).value;
    EXPECT_LT(other, 0.6);
    EXPECT_GT(other, -1);
  }
}

TEST(stoi, falls_with_noise) {
  const speech_item x = speech_item::make(0, "two", 16000, 2, 16000);
  const signal hiss = noise<double>(16000, 77);
  double before = 1.1, before_extended = 1.1;
  for (const double level : {0.001, 0.03, 0.1, 0.3}) {
    signal e = x.targets[0];
    for (std::size_t n = 0; n < e.size(); ++n) e[n] += level * hiss[n];
    const double now = stoi_of(e, x.targets[0]).value, extended = stoi_of(e, x.targets[0], 16000, true).value;
    EXPECT_LT(now, before);
    EXPECT_LT(extended, before_extended);
    before = now, before_extended = extended;
  }
}

TEST(stoi, defines_every_result) {
  const speech_item x = speech_item::make(0, "two", 16000, 2, 16000);
  const signal silence(16000, 0), constant(16000, 0.1);
  signal broken = x.targets[0];
  broken[99] = std::numeric_limits<double>::infinity();
  for (const bool extended : {false, true}) {
    const auto of = [&](const signal& e, const signal& t, int rate = 16000) { return stoi_of(e, t, rate, extended); };
    EXPECT_EQ(of(silence, x.targets[0]).status, ratio_status::silent_estimate);
    EXPECT_EQ(of(x.targets[0], silence).status, ratio_status::silent_target);
    EXPECT_EQ(of(x.targets[0], constant).status, ratio_status::silent_target);
    EXPECT_TRUE(std::isfinite(of(silence, silence).value));
    EXPECT_EQ(of(broken, x.targets[0]).status, ratio_status::not_finite);
    EXPECT_EQ(of(x.targets[0], broken).status, ratio_status::not_finite);
    EXPECT_TRUE(std::isnan(of(x.targets[0], broken).value));
    EXPECT_EQ(of({}, {}).status, ratio_status::empty);
  }
  // pystoi returns 1e-5 for less than thirty frames; with no frame at all it fails.
  const auto noisy = [](std::size_t n) { return stoi_of(noise<double>(n, 3), noise<double>(n, 4), 10000); };
  EXPECT_EQ(noisy(256 + 128 * 30).status, ratio_status::too_short);  // thirty frames, of which the last is not taken
  EXPECT_EQ(noisy(256 + 128 * 30).value, 1e-5);
  EXPECT_EQ(noisy(257 + 128 * 30).status, ratio_status::measured);
  EXPECT_EQ(noisy(100).status, ratio_status::too_short);
  EXPECT_EQ(noisy(2).status, ratio_status::too_short);
  EXPECT_TRUE(says(error_of([&] { stoi_of(signal(9), signal(8)); }), "9", "8", "equally long"));
}

// scipy.signal.resample_poly's own definition, sample by sample.
TEST(octave_resampler, keeps_tones_and_lengths) {
  for (const auto& [from, to] : {std::pair{16000, 10000}, {8000, 10000}, {44100, 10000}, {10000, 10000}}) {
    const signal x = tone<double>(4000, 440. / from);
    const signal y = octave_resampler(from, to)(std::span<const double>(x));
    ASSERT_EQ(y.size(), static_cast<std::size_t>(resampled_length(4000, from, to)));
    const signal expected = tone<double>(y.size(), 440. / to);
    for (std::size_t n = y.size() / 4; n < y.size() * 3 / 4; ++n) ASSERT_NEAR(y[n], expected[n], 2e-3) << from << ' ' << n;
  }
  EXPECT_TRUE(says(error_of([] { octave_resampler(0, 10000); }), "0 Hz", "positive"));
}

TEST(batch_fft, equals_the_sums) {
  for (const std::size_t points : {1u, 2u, 8u, 64u, 128u}) {
    lanes::array_of<lane_point> x(points), scratch;
    const signal re = noise<double>(points * 8, 1), im = noise<double>(points * 8, 2);
    for (std::size_t n = 0; n < points; ++n)
      for (std::size_t i = 0; i < 8; ++i) x[n].re[i] = re[n * 8 + i], x[n].im[i] = im[n * 8 + i];
    batch_fft_of(points).forward(x, scratch);
    for (std::size_t k = 0; k < points; ++k)
      for (const std::size_t i : {0u, 5u}) {
        double a = 0, b = 0;
        for (std::size_t n = 0; n < points; ++n) {
          const double angle = -2 * std::numbers::pi * static_cast<double>(n * k % points) / static_cast<double>(points);
          a += re[n * 8 + i] * std::cos(angle) - im[n * 8 + i] * std::sin(angle);
          b += re[n * 8 + i] * std::sin(angle) + im[n * 8 + i] * std::cos(angle);
        }
        EXPECT_NEAR(x[k].re[i], a, 1e-12);
        EXPECT_NEAR(x[k].im[i], b, 1e-12);
      }
  }
  EXPECT_TRUE(says(error_of([] { batch_fft(3); }), "3 points", "power of two"));
}

}  // namespace
}  // namespace avss
