// Faces that come and go: each is heard while it is seen, those that are seen together are separated together.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/model/passing_faces.hpp>
#include <numeric>

#include "tests/support/fake_separator.hpp"

namespace avss {
namespace {

using namespace avss::testing;

constexpr int rate = 1000;  // Hz: 40 samples a frame

std::vector<float> features(dim_t frames, float value) {
  return std::vector<float>(static_cast<std::size_t>(2 * frames), value);
}

function_av_separator multiplier() {
  return function_av_separator(rate, [](const av_size& n, auto mixture, auto video, auto voices) {
    for (dim_t f = 0; f < n.faces; ++f)
      for (dim_t i = 0; i < n.length; ++i)
        voices[static_cast<std::size_t>(f * n.length + i)] =
            mixture[static_cast<std::size_t>(i)] *
            video[static_cast<std::size_t>(f * 2 * n.video_frames + std::min(n.video_frames - 1, i / 40))];
  });
}

TEST(passing_faces, are_heard_while_they_are_seen) {
  function_av_separator network = multiplier();
  passing_faces faces(network, {{0, features(10, 2)}, {5, {3, 5, 6, 0, 0, 0}}, {0, features(10, 4)}});
  EXPECT_EQ(faces.info().sources, 3);
  EXPECT_TRUE(faces.info().ordered);
  std::vector<float> mixture(240), voices(3 * 240);
  std::iota(mixture.begin(), mixture.end(), 1.f);
  const float seen[] = {3, 5, 6};
  const dim_t start = 160;  // frames 4 to 10
  faces.separate_part(start, mixture, voices);
  for (std::size_t i = 0; i < 240; ++i) {
    const std::size_t at = i + 160;
    EXPECT_EQ(voices[i], 2 * mixture[i]);
    EXPECT_EQ(voices[240 + i], at >= 200 && at < 320 ? seen[(at - 200) / 40] * mixture[i] : 0) << i;
    EXPECT_EQ(voices[480 + i], 4 * mixture[i]);
  }
  ASSERT_EQ(network.sizes.size(), 2u);  // the two that are there from beginning to end in one
  EXPECT_EQ(network.sizes[0].faces, 2);
  EXPECT_EQ(network.sizes[1].faces, 1);
  EXPECT_EQ(network.sizes[1].length, 120);
  // A part that begins and ends while the face is seen.
  mixture.resize(40), voices.resize(3 * 40);
  faces.separate_part(240, mixture, voices);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(voices[40 + i], seen[1] * mixture[i]) << i;
}

TEST(passing_faces, nobody_is_silence) {
  function_av_separator network = multiplier();
  passing_faces faces(network, {{5, features(3, 3)}});
  std::vector<float> mixture(100, 1.f), voices(100, 7.f);
  faces.separate_part(0, mixture, voices);
  EXPECT_EQ(voices, std::vector<float>(100, 0.f));
  EXPECT_TRUE(network.sizes.empty());
  EXPECT_THROW(passing_faces(network, {}), error);
}

}  // namespace
}  // namespace avss
