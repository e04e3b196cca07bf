#include <gtest/gtest.h>

#include <avss/data/speech_check.hpp>
#include <string>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/voice.hpp"

namespace avss {
namespace {

using namespace avss::testing;

constexpr int rate = 8000;

std::string verdict(const std::vector<float>& x, int hz = rate) {
  const char* what = not_speech(measure_speech(x, hz));
  return what ? what : "speech";
}

TEST(speech_check, takes_voices) {
  for (const double pitch : {90., 130., 210., 280.})
    for (const int hz : {8000, 16000}) {
      const auto x = made_up_voice(static_cast<std::size_t>(4 * hz), hz, pitch, 7);
      EXPECT_EQ(verdict(x, hz), "speech") << pitch << ' ' << hz;
    }
}

TEST(speech_check, finds_the_pitch) {
  for (const double pitch : {80., 125., 250., 360.}) {
    std::vector<float> x(1000);
    for (std::size_t i = 0; i < x.size(); ++i)
      for (int k = 1; k <= 5; ++k)
        x[i] += static_cast<float>(std::cos(2 * std::numbers::pi * pitch * k * static_cast<double>(i) / rate) / (k + 1));
    const detail::periodicity p = detail::find_pitch(x, 320, rate);
    EXPECT_NEAR(p.pitch, pitch, 0.03 * pitch);
    EXPECT_GT(p.strength, 0.9);
  }
}

TEST(speech_check, refuses_silence_noise_and_beeps) {
  EXPECT_EQ(verdict(std::vector<float>(32000, 0.f)), "silent");
  EXPECT_EQ(verdict(std::vector<float>(100, 0.5f)), "silent");
  EXPECT_EQ(verdict(noise(32000, 1, 1e-4)), "silent");
  EXPECT_EQ(verdict(noise(32000, 2, 0.5)), "of one loudness throughout");
  EXPECT_EQ(verdict(tone(32000, 0.05, 0.5)), "of one loudness throughout");
  std::vector<float> bursts = noise(32000, 3, 0.5), beeps = tone(32000, 300. / rate, 0.5);
  for (std::size_t i = 0; i < bursts.size(); ++i)
    if (i / 2000 % 2) bursts[i] *= 0.01f, beeps[i] = 0;
  EXPECT_EQ(verdict(bursts), "without a voice's pitch");
  EXPECT_EQ(verdict(beeps), "of one pitch throughout");
}

}  // namespace
}  // namespace avss
