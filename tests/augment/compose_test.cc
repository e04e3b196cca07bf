// How augmentations are put together, and what becomes of the targets.
#include <gtest/gtest.h>

#include <avss/augment.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/augment/augment_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

double gain_of(std::span<const float> after, std::span<const float> before) {
  double top = 0, below = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    top += static_cast<double>(after[i]) * before[i];
    below += static_cast<double>(before[i]) * before[i];
  }
  return top / below;
}

TEST(augment, a_probability_is_honoured_and_items_differ) {
  const sometimes half{0.3, polarity_inversion{}};
  const test_item x(10, 1);
  int turned = 0;
  for (std::uint64_t n = 0; n < 4000; ++n) turned += augmented(half, x, n) != x;
  EXPECT_NEAR(turned / 4000.0, 0.3, 0.03);  // four standard deviations
  EXPECT_EQ(augmented(sometimes{0.0, polarity_inversion{}}, x), x);
  EXPECT_NE(augmented(sometimes{1.0, polarity_inversion{}}, x), x);
  EXPECT_EQ(augmented(half, x, 5, 9), augmented(half, x, 5, 9));
}

TEST(augment, one_of_several_each_as_often) {
  const one_of choice{gain{{-6, -6}}, gain{{-12, -12}}, polarity_inversion{}};
  const choice_of same{{gain{{-6, -6}}, gain{{-12, -12}}, polarity_inversion{}}};
  const test_item x(10, 1);
  int counts[3] = {};
  for (std::uint64_t n = 0; n < 3000; ++n) {
    const test_item y = augmented(choice, x, n);
    EXPECT_EQ(y, augmented(same, x, n));
    const double g = gain_of(y.mixture, x.mixture);
    ++counts[g < 0 ? 2 : g > 0.4 ? 0 : 1];
  }
  for (const int c : counts) EXPECT_NEAR(c, 1000, 110);
}

TEST(augment, a_chain_is_in_order_and_the_same_at_run_time) {
  const chain fixed{gain{{-6, 6}}, sometimes{0.5, clipping{{20, 40}}}, peak_normalization{0.5}};
  const any_augmentation drawn = chain_of{{gain{{-6, 6}}, sometimes{0.5, clipping{{20, 40}}}, peak_normalization{0.5}}};
  EXPECT_FALSE(fixed.alike());
  EXPECT_FALSE(drawn.alike());
  for (std::uint64_t n = 0; n < 20; ++n) {
    const test_item y = augmented(fixed, test_item(), n);
    EXPECT_EQ(y, augmented(drawn, test_item(), n));
    EXPECT_NEAR(detail::largest(y.mixture), 0.5, 1e-6);
  }
  // Two of the same kind draw for themselves.
  const test_item x, y = augmented(chain{gain{{-6, 6}}, gain{{-6, 6}}}, x), one = augmented(gain{{-6, 6}}, x);
  EXPECT_GT(std::abs(gain_of(y.mixture, x.mixture) / std::pow(gain_of(one.mixture, x.mixture), 2) - 1), 1e-3);
}

TEST(augment, alike_keeps_the_mixture_the_sum_of_its_targets) {
  const auto expect = [](const any_augmentation& what, const char* name, double limit = 1e-6) {
    EXPECT_TRUE(what.alike()) << name;
    for (std::uint64_t n = 0; n < 10; ++n) {
      const test_item x, y = augmented(what, x, n);
      EXPECT_LE(from_sum(y), limit * std::max<double>(1, detail::largest(y.mixture))) << name;
      EXPECT_GT(detail::power(y.target(1)), 0) << name;
      // And so it is beside a voice that is no target.
      const test_item two(1000, 2, 1), z = augmented(what, two, n);
      EXPECT_GT(from_sum(z), 0.01) << name;
    }
  };
  expect(gain{}, "gain");
  expect(polarity_inversion{}, "polarity");
  expect(peak_normalization{}, "peak");
  expect(rms_normalization{}, "rms");
  expect(time_shift{}, "shift");
  expect(speed_perturbation{{0.9, 1.1}}, "speed", 1e-5);
  expect(time_inversion{}, "inversion");
  expect(low_pass{}, "low");
  expect(high_pass{}, "high");
  expect(band_pass{}, "band-pass");
  expect(band_stop{}, "band-stop");
  expect(random_equalizer{}, "equalizer", 1e-5);
  expect(each_source{gain{}}, "each gain");
  expect(each_source{chain{time_shift{}, low_pass{}}}, "each chain");
}

TEST(augment, levels) {
  const test_item x, peak = augmented(peak_normalization{}, x), rms = augmented(rms_normalization{.rms = 0.05}, x);
  EXPECT_NEAR(detail::largest(peak.mixture), 0.99, 1e-6);
  EXPECT_NEAR(detail::root_mean_square(rms.mixture), 0.05, 1e-8);
  EXPECT_NEAR(gain_of(peak.targets, x.targets), gain_of(peak.mixture, x.mixture), 1e-6);
  test_item silent;
  silent.mixture.assign(1000, 0), silent.targets.assign(2000, 0);
  for (const any_augmentation& a :
       {any_augmentation(peak_normalization{}), any_augmentation(rms_normalization{}), any_augmentation(coloured_noise{}),
        any_augmentation(clipping{}), any_augmentation(each_source{rms_normalization{}})})
    EXPECT_EQ(augmented(a, silent), silent);
  double lowest = 1e9, highest = 0;
  for (std::uint64_t n = 0; n < 500; ++n) {
    const double db = 20 * std::log10(gain_of(augmented(gain{}, x, n).mixture, x.mixture));
    lowest = std::min(lowest, db), highest = std::max(highest, db);
  }
  EXPECT_NEAR(lowest, -18, 0.5);
  EXPECT_NEAR(highest, 6, 0.5);
  EXPECT_GE(lowest, -18 - 1e-5);
  EXPECT_LE(highest, 6 + 1e-5);
}

TEST(augment, shifts_turn_or_leave_silence) {
  test_item x(8, 1);
  x.mixture = {1, 2, 3, 4, 5, 6, 7, 8}, x.targets = x.mixture;
  using list = std::vector<float>;
  EXPECT_EQ(augmented(time_shift{{0.25, 0.25}}, x).mixture, (list{7, 8, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(augmented(time_shift{{-0.25, -0.25}}, x).targets, (list{3, 4, 5, 6, 7, 8, 1, 2}));
  EXPECT_EQ(augmented(time_shift{{0.25, 0.25}, false}, x).mixture, (list{0, 0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(augmented(time_shift{{-0.25, -0.25}, false}, x).targets, (list{3, 4, 5, 6, 7, 8, 0, 0}));
  EXPECT_EQ(augmented(time_shift{{1, 1}, false}, x).mixture, list(8));
  EXPECT_EQ(augmented(time_inversion{}, x).targets, (list{8, 7, 6, 5, 4, 3, 2, 1}));
}

TEST(augment, every_source_by_itself) {
  // Gains differ between the sources; a voice that is no target gets one of its own, and is not lost.
  const test_item x(1000, 2, 1), y = augmented(each_source{gain{{-6, 6}}}, x);
  const double first = gain_of(y.target(0), x.target(0)), second = gain_of(y.target(1), x.target(1));
  EXPECT_GT(std::abs(first - second), 1e-3);
  std::vector<float> rest_before(1000), rest_after(1000);
  for (std::size_t i = 0; i < 1000; ++i) {
    rest_before[i] = x.mixture[i] - x.targets[i] - x.targets[1000 + i];
    rest_after[i] = y.mixture[i] - y.targets[i] - y.targets[1000 + i];
  }
  const double third = gain_of(rest_after, rest_before);
  EXPECT_GT(std::abs(third - first), 1e-3);
  EXPECT_GT(std::abs(third - second), 1e-3);
  for (std::size_t i = 0; i < 1000; ++i) ASSERT_NEAR(rest_after[i], third * rest_before[i], 1e-6);
}

TEST(augment, what_is_left_of_rounding_is_no_voice) {
  test_item x;
  for (std::size_t i = 0; i < 1000; ++i) x.mixture[i] += (i % 2 ? 1e-5f : -1e-5f);  // as 16 bits do
  const test_item y = augmented(each_source{rms_normalization{}}, x);
  EXPECT_LE(from_sum(y), 1.1e-5);
  EXPECT_NEAR(detail::root_mean_square(y.target(0)), 0.1, 1e-6);
}

TEST(augment, the_mixture_alone_is_damaged) {
  for (std::uint64_t n = 0; n < 20; ++n) {
    test_item x(16000, 2);
    x.rate = 16000;
    const test_item y = augmented(dropped_chunks{}, x, n);
    EXPECT_EQ(y.targets, x.targets);
    std::size_t lost = 0, run = 0, longest = 0;
    for (std::size_t i = 0; i < y.mixture.size(); ++i) {
      run = y.mixture[i] == 0 ? run + 1 : 0;
      longest = std::max(longest, run);
      lost += y.mixture[i] == 0;
      ASSERT_TRUE(y.mixture[i] == 0 || y.mixture[i] == x.mixture[i]);
    }
    EXPECT_GE(longest, 1000u);
    EXPECT_LE(lost, 5 * 2000u);
  }
}

TEST(augment, lips_keep_step) {
  test_item x(32000, 1);
  x.rate = 16000, x.faces = true;
  const auto refused = [&](const any_augmentation& a) { return error_of([&] { a.check(x.kind()); }); };
  EXPECT_TRUE(says(refused(time_shift{}), "time shift", "1 s", "lips", "0.02 s"));
  EXPECT_EQ(refused(time_shift{{-0.01, 0.01}}), "");
  EXPECT_TRUE(says(refused(time_shift{{-0.011, 0}}), "lips"));
  EXPECT_TRUE(says(refused(speed_perturbation{}), "speed", "lips"));
  EXPECT_EQ(refused(speed_perturbation{{1, 1.005}}), "");
  EXPECT_TRUE(says(refused(time_inversion{}), "faces"));
  EXPECT_TRUE(says(refused(sometimes{0.1, chain_of{{one_of{gain{}, time_shift{}}}}}), "lips"));
  EXPECT_TRUE(says(refused(each_source{speed_perturbation{}}), "lips"));
  // A chain moves as far as its parts together, a choice as far as one of them.
  const time_shift some{{-0.006, 0.006}};  // 12 ms
  EXPECT_EQ(refused(some), "");
  EXPECT_TRUE(says(refused(chain{some, gain{}, sometimes{0.5, some}}), "chain", "0.024 s", "lips"));
  EXPECT_TRUE(says(refused(chain_of{{some, choice_of{{gain{}, each_source{some}}}}}), "chain", "0.024 s"));
  EXPECT_EQ(refused(choice_of{{some, some}}), "");
  EXPECT_EQ(refused(chain{one_of{some, some}, gain{}}), "");
  EXPECT_EQ(refused(chain{some, speed_perturbation{{1, 1.003}}}), "");
  EXPECT_TRUE(says(refused(chain{some, chain{speed_perturbation{{1, 1.0045}}}}), "chain"));
  x.faces = false;
  EXPECT_EQ(refused(chain{time_shift{}, speed_perturbation{}, time_inversion{}}), "");
}

TEST(augment, ranges_that_make_no_sense) {
  const auto refused = [](const any_augmentation& a) { return error_of([&] { a.check({16000, 32000, false}); }); };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(says(refused(gain{{6, -6}}), "gain", "the lower first"));
  EXPECT_TRUE(says(refused(gain{{nan, 6}}), "gain"));
  EXPECT_TRUE(says(refused(sometimes{1.5, gain{}}), "1.5", "0 to 1"));
  EXPECT_TRUE(says(refused(sometimes{nan, gain{}}), "0 to 1"));
  EXPECT_TRUE(says(refused(peak_normalization{0}), "peak"));
  EXPECT_TRUE(says(refused(rms_normalization{2}), "level of 2"));
  EXPECT_TRUE(says(refused(speed_perturbation{{}}), "no factor"));
  EXPECT_TRUE(says(refused(speed_perturbation{{3}}), "factor of 3"));
  EXPECT_TRUE(says(refused(low_pass{{5000, 100}}), "low-pass", "Hz"));
  EXPECT_TRUE(says(refused(low_pass{{100, 200}, {0, 2}}), "sections"));
  EXPECT_TRUE(says(refused(band_pass{{100, 200}, {1, 2}}), "band-pass", "widths"));
  EXPECT_TRUE(says(refused(dropped_chunks{{3, 1}}), "numbers of chunks"));
  EXPECT_TRUE(says(refused(clipping{{0, 101}}), "clipping"));
  EXPECT_TRUE(says(refused(spectrum_masks{.widest_hz = -1}), "masks"));
  EXPECT_TRUE(says(refused(background_noise{}), "no noises"));
  EXPECT_TRUE(says(refused(impulse_response{}), "no responses"));
  EXPECT_TRUE(says(refused(choice_of{}), "choice"));
  for (const any_augmentation& noisy : {any_augmentation(coloured_noise{}), any_augmentation(clipping{}),
                                        any_augmentation(chain_of{{gain{}, dropped_chunks{}}})})
    EXPECT_TRUE(says(refused(each_source{noisy}), "each source", "mixture alone"));
}

TEST(augment, filters_of_low_rates_stay_below_half_of_it) {
  test_item x(4000, 1);
  x.rate = 4000;
  for (std::uint64_t n = 0; n < 50; ++n) {
    const test_item y = augmented(chain{low_pass{}, high_pass{}, band_pass{}, band_stop{}, random_equalizer{}}, x, n);
    EXPECT_TRUE(std::isfinite(detail::power(y.mixture)));
    EXPECT_LT(detail::largest(y.mixture), 10);
  }
}

}  // namespace
}  // namespace avss
