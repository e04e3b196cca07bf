// Noises, impulse responses and masks: what is drawn, and out of which files.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/augment.hpp>
#include <avss/dsp/fft.hpp>
#include <bit>
#include <cmath>
#include <complex>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/augment/augment_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class augment_noise : public in_folder {
 protected:
  std::shared_ptr<const sound_bank> bank(sound_bank_options o = {.rate = 8000}) const {
    return std::make_shared<const sound_bank>(folder, "noises", o);
  }
};

// What was added to the mixture.
std::vector<float> added(const test_item& after, const test_item& before) {
  std::vector<float> n(after.mixture);
  for (std::size_t i = 0; i < n.size(); ++i) n[i] -= before.mixture[i];
  return n;
}
double snr(const test_item& after, const test_item& before) {
  double signal = 0, noise = 0;  // in double, as float differences would not be exact enough
  for (std::size_t i = 0; i < before.mixture.size(); ++i) {
    const double d = static_cast<double>(after.mixture[i]) - static_cast<double>(before.mixture[i]);
    signal += static_cast<double>(before.mixture[i]) * before.mixture[i];
    noise += d * d;
  }
  return 10 * std::log10(signal / noise);
}

TEST_F(augment_noise, snr_is_exact_and_drawn_evenly) {
  write_sound(folder / "long.wav", noise(30000, 3, 0.7));
  write_sound(folder / "inner/short.wav", noise(333, 4, 0.01));
  const test_item x(4000, 2);
  for (const double db : {-5., 0., 20., 30.}) {
    for (std::uint64_t n = 0; n < 10; ++n) {
      EXPECT_NEAR(snr(augmented(background_noise{.noises = bank(), .snr_db = {db, db}}, x, n), x), db, 1e-4);
      EXPECT_NEAR(snr(augmented(coloured_noise{.snr_db = {db, db}}, x, n), x), db, 1e-4);
    }
  }
  const background_noise drawn{.noises = bank(), .snr_db = {0, 30}};
  double sum = 0, least = 100, most = -100;
  for (std::uint64_t n = 0; n < 400; ++n) {
    const test_item y = augmented(drawn, x, n);
    EXPECT_EQ(y.targets, x.targets);
    const double db = snr(y, x);
    sum += db, least = std::min(least, db), most = std::max(most, db);
  }
  EXPECT_NEAR(sum / 400, 15, 1.8);  // four standard deviations
  EXPECT_LT(least, 1);
  EXPECT_GT(most, 29);
}

TEST_F(augment_noise, stretches_are_at_random_places_and_short_ones_fill_the_item) {
  std::vector<float> ramp(5000), bits(100, 0.5f);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i + 1) / 5000;
  write_sound(folder / "ramp.wav", ramp);
  test_item x(1000, 1);
  const background_noise what{.noises = bank(), .snr_db = {0, 0}};
  std::set<int> places;
  for (std::uint64_t n = 0; n < 20; ++n) {
    const std::vector<float> y = added(augmented(what, x, n), x);
    // A straight line, whose beginning tells where it was cut.
    const double step = (static_cast<double>(y[999]) - y[0]) / 999;
    places.insert(static_cast<int>(std::lround(y[0] / step)));
    for (std::size_t i = 0; i < 1000; ++i) ASSERT_NEAR(y[i], y[0] + step * static_cast<double>(i), 1e-5);
  }
  EXPECT_GT(places.size(), 15u);
  EXPECT_GE(*places.begin(), 0);
  EXPECT_LE(*places.rbegin(), 4002);
  std::filesystem::remove(folder / "ramp.wav");
  write_sound(folder / "loud.wav", bits);
  std::fill(bits.begin(), bits.end(), -0.001f);
  write_sound(folder / "soft.wav", bits);
  const std::vector<float> y = added(augmented(background_noise{.noises = bank(), .snr_db = {0, 0}}, x), x);
  int up = 0, down = 0;  // ten pieces, of one level whatever theirs was
  for (std::size_t i = 0; i < 1000; ++i) {
    EXPECT_NEAR(std::abs(y[i]), std::abs(y[0]), 1e-5);
    up += y[i] > 0, down += y[i] < 0;
  }
  EXPECT_EQ(up + down, 1000);
  EXPECT_GE(std::min(up, down), 100);
}

TEST_F(augment_noise, the_noisy_mixture_is_cut_off_where_that_is_asked) {
  write_sound(folder / "a.wav", noise(2000, 3, 0.7));
  test_item x(1000, 2);
  for (float& v : x.mixture) v *= 1.6f;
  EXPECT_GT(detail::largest(augmented(background_noise{.noises = bank(), .snr_db = {0, 0}}, x).mixture), 1);
  const test_item y = augmented(background_noise{.noises = bank(), .snr_db = {0, 0}, .clamp = true}, x);
  EXPECT_EQ(detail::largest(y.mixture), 1);
}

TEST_F(augment_noise, silent_stretches_are_drawn_again) {
  std::vector<float> mostly(20000);
  for (std::size_t i = 10000; i < mostly.size(); ++i) mostly[i] = i % 2 ? 0.5f : -0.5f;
  write_sound(folder / "a.wav", mostly);
  const test_item x(500, 1);
  for (std::uint64_t n = 0; n < 50; ++n)
    EXPECT_GT(detail::power(added(augmented(background_noise{.noises = bank()}, x, n), x)), 0);
  write_sound(folder / "a.wav", std::vector<float>(2000));
  EXPECT_EQ(augmented(background_noise{.noises = bank()}, x), x);  // nothing but silence adds nothing
}

// Slope of the power spectrum in dB a doubling of frequency, by least squares over octaves from 62.5 Hz to 2 kHz.
double slope(double exponent) {
  test_item x(16384, 0, 1);
  x.rate = 8000;
  double power[5] = {};
  for (std::uint64_t n = 0; n < 8; ++n) {
    const std::vector<float> y = added(augmented(coloured_noise{.snr_db = {0, 0}, .exponent = {exponent, exponent}}, x, n), x);
    std::vector<std::complex<float>> z(y.begin(), y.end()), scratch;
    fft_of<float>(16384).forward(z, scratch);
    for (int octave = 0; octave < 5; ++octave) {
      const auto first = static_cast<std::size_t>(128) << octave;
      for (std::size_t k = first; k < 2 * first; ++k) power[octave] += std::norm(z[k]) / static_cast<double>(first);
    }
  }
  double sum = 0;
  for (int octave = 0; octave < 5; ++octave) sum += (octave - 2) * 10 * std::log10(power[octave]);
  return sum / 10;
}

TEST_F(augment_noise, coloured_noise_falls_as_its_exponent_says) {
  for (const double exponent : {-2., -1., 0., 1., 2.}) EXPECT_NEAR(slope(exponent), -3.0103 * exponent, 0.15) << exponent;
  double mean = 0, fourth = 0, second = 0;
  test_item x(20000, 0, 1);
  const std::vector<float> y = added(augmented(coloured_noise{.exponent = {0, 0}}, x), x);
  for (const float v : y) mean += v, second += static_cast<double>(v) * v, fourth += std::pow(v, 4);
  EXPECT_NEAR(fourth / second / second * static_cast<double>(y.size()), 3, 0.15);  // as normal numbers have it
  EXPECT_NEAR(mean / std::sqrt(second * static_cast<double>(y.size())), 0, 0.05);
}

TEST_F(augment_noise, sounds_are_mixed_down_and_resampled) {
  const std::vector<float> x = tone(16000, 440 / 16000.0, 0.5);
  write_sound(folder / "a.wav", x, 16000);
  EXPECT_EQ(bank()->length(0), 8000);
  const auto y = bank()->load(0);
  EXPECT_NEAR(detail::root_mean_square(y->samples), 0.5 / std::sqrt(2), 1e-3);
  EXPECT_EQ(bank({.rate = 16000})->load(0)->samples, x);
}

TEST_F(augment_noise, folders_that_are_no_use) {
  const auto refused = [&](sound_bank_options o = {}) { return error_of([&] { bank(o); }); };
  EXPECT_TRUE(says(error_of([&] { sound_bank(folder / "gone", "noises", {}); }), "gone", "no such folder", "noises"));
  EXPECT_TRUE(says(refused(), "no audio file", "noises"));
  write_bytes(folder / "page.wav", "<html>not found</html>");
  EXPECT_TRUE(says(refused(), "none of its 1 file", "page.wav"));
  write_sound(folder / "a.wav", noise(100, 1));
  write_bytes(folder / "empty.wav", "");
  EXPECT_TRUE(says(refused(), "2 of its 3 files cannot be read", "skip_unreadable", "empty.wav"));
  const auto left = bank({.skip_unreadable = true});
  EXPECT_EQ(left->size(), 1u);
  EXPECT_EQ(left->unreadable(), 2u);
  write_bytes(folder / ".hidden.wav", "");
  write_bytes(folder / "list.txt", "");
  EXPECT_EQ(bank({.skip_unreadable = true})->unreadable(), 2u);
  EXPECT_TRUE(says(error_of([&] { background_noise{.noises = left}.check({8000, 100, false}); }), "16000 Hz", "8000 Hz"));
}

TEST_F(augment_noise, responses_that_are_silent_or_late) {
  write_sound(folder / "a.wav", std::vector<float>(100));
  EXPECT_TRUE(says(error_of([&] { augmented(impulse_response{.responses = bank()}, test_item()); }), "a.wav", "silent"));
  std::vector<float> late(2000);
  late[1000] = 1;
  write_sound(folder / "a.wav", late);
  const auto delay = [&](test_item x, impulse_response what) {
    std::fill(x.mixture.begin(), x.mixture.end(), 0.0f);
    x.mixture[0] = 1;
    const test_item y = augmented(what, x);
    return std::max_element(y.mixture.begin(), y.mixture.end()) - y.mixture.begin();
  };
  test_item x(4000, 1);
  EXPECT_EQ(delay(x, {.responses = bank()}), 1000);
  EXPECT_EQ(delay(x, {.responses = bank(), .compensate_delay = true}), 0);
  x.faces = true;
  EXPECT_EQ(delay(x, {.responses = bank()}), 160);  // 20 ms at 8 kHz
  EXPECT_EQ(delay(x, {.responses = bank(), .compensate_delay = true}), 0);
}

TEST_F(augment_noise, one_response_for_all_signals_and_one_each_for_sources) {
  for (int k = 0; k < 4; ++k) {
    std::vector<float> h(300);
    h[static_cast<std::size_t>(10 * k)] = 1;
    write_sound(folder / (std::to_string(k) + ".wav"), h);
  }
  const impulse_response room{.responses = bank()};
  bool differ = false;
  for (std::uint64_t n = 0; n < 10; ++n) {
    // Three targets make two transforms of two signals.
    const test_item x(1000, 3), y = augmented(room, x, n), z = augmented(each_source{room}, x, n);
    EXPECT_LE(from_sum(y), 1e-5);
    EXPECT_LE(from_sum(z), 1e-5);
    const auto delay = [](const test_item& after, const test_item& before, std::size_t s) {
      for (int k = 0; k < 4; ++k)
        if (std::abs(after.target(s)[static_cast<std::size_t>(10 * k)] - before.target(s)[0]) < 1e-5 &&
            std::abs(after.target(s)[static_cast<std::size_t>(10 * k + 1)] - before.target(s)[1]) < 1e-5)
          return k;
      return -1;
    };
    EXPECT_GE(delay(y, x, 0), 0);
    EXPECT_EQ(delay(y, x, 0), delay(y, x, 1));
    EXPECT_EQ(delay(y, x, 0), delay(y, x, 2));
    differ = differ || delay(z, x, 0) != delay(z, x, 1);
  }
  EXPECT_TRUE(differ);
}

TEST_F(augment_noise, masks_take_out_bands_and_stretches_and_nothing_else) {
  test_item x(32000, 1);
  x.rate = 16000;
  const test_item same = augmented(spectrum_masks{.bands = {0, 0}, .stretches = {0, 0}}, x);
  EXPECT_EQ(same.targets, x.targets);
  for (std::size_t i = 0; i < x.mixture.size(); ++i) ASSERT_NEAR(same.mixture[i], x.mixture[i], 1e-6);
  int silent = 0, thinned = 0;
  for (std::uint64_t n = 0; n < 20; ++n) {
    const test_item y = augmented(spectrum_masks{.bands = {0, 0}, .stretches = {1, 1}, .longest_seconds = 0.2}, x, n);
    std::size_t changed = 0, zero = 0;
    for (std::size_t i = 0; i < x.mixture.size(); ++i) {
      changed += std::abs(y.mixture[i] - x.mixture[i]) > 1e-5;
      zero += y.mixture[i] == 0;
    }
    EXPECT_LE(changed, 3200u + 3 * 128u);
    silent += zero > 0;
    const test_item z = augmented(spectrum_masks{.bands = {1, 1}, .stretches = {0, 0}, .widest_hz = 2000}, x, n);
    std::vector<std::complex<float>> before(32768), after(32768), scratch;
    std::copy(x.mixture.begin(), x.mixture.end(), before.begin());
    std::copy(z.mixture.begin(), z.mixture.end(), after.begin());
    fft_of<float>(32768).forward(before, scratch);
    fft_of<float>(32768).forward(after, scratch);
    // In bands of about 100 Hz: most are as they were, those of the mask are gone.
    int gone = 0, kept = 0;
    for (std::size_t band = 0; band < 80; ++band) {
      double old = 0, now = 0;
      for (std::size_t k = band * 204; k < (band + 1) * 204; ++k) old += std::norm(before[k]), now += std::norm(after[k]);
      gone += now < 0.01 * old, kept += std::abs(now / old - 1) < 0.05;
    }
    EXPECT_LE(gone, 20);
    EXPECT_GE(gone + kept, 74);
    thinned += gone > 0;
  }
  EXPECT_GE(silent, 10);
  EXPECT_GE(thinned, 10);
}

}  // namespace
}  // namespace avss
