// Against numpy and scipy, see tests/golden/make_augment_golden.py.
#include "tests/support/golden.hpp"

#include <gtest/gtest.h>

#include <avss/augment.hpp>
#include <avss/dsp/biquad.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/augment/augment_fixture.hpp"
#include "tests/support/compare.hpp"

namespace avss {
namespace {

using namespace avss::testing;

std::vector<double> golden(const std::string& group, const std::string& name) {
  return test::read_golden("tests/golden/augment", group).at(name).values;
}

// Mixture and target are the same signal, and must come out alike.
template <class A>
void expect_alike(const A& what, const std::string& group, const std::string& name, double limit = 2e-6) {
  SCOPED_TRACE(group + "/" + name);
  test_item x(1000, 1);
  EXPECT_TRUE(what.alike());
  x = augmented(what, x);
  test::expect_close(x.mixture, golden(group, name), limit, "mixture");
  test::expect_close(x.targets, golden(group, name), limit, "target");
}

TEST(augment_golden, filters) {
  for (const int n : {1, 2}) {
    const std::string name = std::to_string(n);
    expect_alike(low_pass{.hz = {1000, 1000}, .sections = {n, n}}, "low_pass", name);
    expect_alike(high_pass{.hz = {300, 300}, .sections = {n, n}}, "high_pass", name);
  }
  expect_alike(band_pass{.centre = {1000, 1000}, .width = {1, 1}}, "band_pass", "1");
  expect_alike(band_stop{.centre = {1000, 1000}, .width = {0.5, 0.5}}, "band_stop", "1");
  expect_alike(
      random_equalizer{
          .db = {4, 4}, .peaks = 3, .low_shelf = {100, 100}, .peak = {1000, 1000}, .high_shelf = {2500, 2500}, .q = {1.5, 1.5}},
      "equalizer", "1");
}

TEST(augment_golden, biquads) {
  const auto expect = [](const biquad& filter, const std::string& group, const std::string& name) {
    std::vector<float> x = noise(1000, 7, 0.3);
    filter.apply(x);
    test::expect_close(x, golden(group, name), 1e-6, group + "/" + name);
  };
  expect(biquad_design(1000, 8000, 2).peak(6), "peak", "up");
  expect(biquad_design(500, 8000, 0.8).low_shelf(6), "low_shelf", "up");
  expect(biquad_design(500, 8000, 0.8).low_shelf(-9), "low_shelf", "down");
  expect(biquad_design(1500, 8000, 0.8).high_shelf(6), "high_shelf", "up");
  expect(biquad_design(1500, 8000, 0.8).high_shelf(-9), "high_shelf", "down");
  EXPECT_TRUE(says(error_of([] { biquad_design(4000, 8000, 1); }), "4000 Hz"));
}

class augment_golden_files : public in_folder {};

TEST_F(augment_golden_files, impulse_response) {
  const std::vector<double> h = golden("response", "h");
  write_sound(folder / "h.wav", {h.begin(), h.end()});
  const auto bank = std::make_shared<const sound_bank>(folder, "responses", sound_bank_options{.rate = 8000});
  expect_alike(impulse_response{.responses = bank}, "response", "plain");
  expect_alike(impulse_response{.responses = bank, .compensate_delay = true}, "response", "compensated");
  expect_alike(impulse_response{.responses = bank, .compensate_delay = true, .keep_level = true}, "response", "level");
}

TEST_F(augment_golden_files, background_noise) {
  write_sound(folder / "n.wav", noise(1000, 11, 0.5));
  const background_noise added{.noises = std::make_shared<const sound_bank>(folder, "noises", sound_bank_options{.rate = 8000}),
                               .snr_db = {5, 5}};
  const test_item before(1000, 1), after = augmented(added, before);
  EXPECT_FALSE(added.alike());
  test::expect_close(after.mixture, golden("noise", "5dB"), 1e-6, "mixture");
  EXPECT_EQ(after.targets, before.targets);
}

TEST(augment_golden, clipping_of_the_mixture_alone) {
  const test_item before(1000, 1), after = augmented(clipping{.percent = {30, 30}}, before);
  test::expect_close(after.mixture, golden("clipping", "30"), 1e-6, "mixture");
  EXPECT_EQ(after.targets, before.targets);
}

TEST(augment_golden, speed) {
  expect_alike(speed_perturbation{.factors = {1.1}}, "speed", "1.1");
  expect_alike(speed_perturbation{.factors = {0.95}}, "speed", "0.95");
}

}  // namespace
}  // namespace avss
