// Faces beside a signal of any length: the stretch of the video that goes with one of the sound.
#include <gtest/gtest.h>

#include <avss/dsp/video_frames.hpp>
#include <avss/model/long_form.hpp>
#include <avss/model/seen_mixture.hpp>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/fake_separator.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using signal = std::vector<float>;

constexpr int rate = 1000;  // 40 samples a frame
constexpr std::size_t a_frame = rate / lip_frame_rate;
constexpr long_form_options windows{.window = 0.8, .free_level = false};  // 20 frames, a hop of 10

// Channel 0 counts the frames from `from` on, channel 1 is `mark`.
signal face(dim_t frames, float from = 0, float mark = 0) {
  signal v(static_cast<std::size_t>(2 * frames), mark);
  for (dim_t t = 0; t < frames; ++t) v[static_cast<std::size_t>(t)] = from + static_cast<float>(t);
  return v;
}

// Each sample of a voice is the mixture's, multiplied by what channel 0 of its face shows at that moment.
void follow_video(const av_size& n, std::span<const float> x, std::span<const float> video, std::span<float> y) {
  for (dim_t s = 0; s < n.faces; ++s)
    for (dim_t i = 0; i < n.length; ++i) {
      const dim_t frame = std::min(n.video_frames - 1, i / static_cast<dim_t>(a_frame));
      y[static_cast<std::size_t>(s * n.length + i)] =
          x[static_cast<std::size_t>(i)] * video[static_cast<std::size_t>(s * 2 * n.video_frames + frame)];
    }
}

// What follow_video gives of a whole signal.
signal followed(const signal& x, const std::vector<signal>& faces) {
  signal y;
  for (const signal& f : faces)
    for (std::size_t i = 0; i < x.size(); ++i) y.push_back(x[i] * f[std::min(f.size() / 2 - 1, i / a_frame)]);
  return y;
}

TEST(seen_mixture, video_moves_with_the_sound) {
  for (const std::size_t frames : {20u, 21u, 25u, 30u, 31u, 64u}) {  // of 20 in a window; the last one is moved back
    const signal x = noise(frames * a_frame, 1);
    const std::vector<signal> faces{face(static_cast<dim_t>(frames), 1), face(static_cast<dim_t>(frames), 1000)};
    function_av_separator net(rate, follow_video);
    seen_mixture seen(net, faces);
    const signal y = separate_long(seen, x, windows), expected = followed(x, faces);
    ASSERT_EQ(y.size(), expected.size());
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 1e-3) << frames << ' ' << i;
    for (const av_size& n : net.sizes) {
      EXPECT_EQ(n.length, 20 * static_cast<dim_t>(a_frame));
      EXPECT_EQ(n.video_frames, 20);
      EXPECT_EQ(n.faces, 2);
    }
  }
}

// Windows do not begin with frames: the video is the nearest, never more than half a frame away.
TEST(seen_mixture, takes_the_nearest_frame_for_any_length) {
  for (const std::size_t length : {801u, 817u, 820u, 821u, 1613u, 2011u, 1u, 39u, 61u, 799u}) {
    const signal x(length, 1.f);
    const dim_t frames = lip_frames_of(static_cast<dim_t>(length), rate);
    function_av_separator net(rate, follow_video);
    seen_mixture seen(net, {face(frames)});
    const signal y = separate_long(seen, x, windows);
    ASSERT_EQ(y.size(), length);
    for (std::size_t i = 0; i < length; ++i)
      ASSERT_NEAR(y[i], std::min(static_cast<double>(i / a_frame), static_cast<double>(frames - 1)), 1.001)
          << length << ' ' << i;
    for (const signal& v : net.videos)
      for (std::size_t t = 1; t < v.size() / 2; ++t) ASSERT_EQ(v[t], v[t - 1] + 1);  // no frame twice, none left out
  }
}

TEST(seen_mixture, short_clips_are_padded_to_one_duration) {
  function_av_separator net(rate, follow_video, 16, 120);
  for (const std::size_t length : {1u, 40u, 119u, 300u, 620u}) {
    net.sizes.clear(), net.videos.clear(), net.mixtures.clear();
    const signal x = noise(length, 3);
    const dim_t frames = lip_frames_of(static_cast<dim_t>(length), rate);
    const std::vector<signal> faces{face(frames, 5), face(frames, 500)};
    seen_mixture seen(net, faces);
    EXPECT_EQ(separate_long(seen, x, windows), followed(x, faces)) << length;
    ASSERT_EQ(net.sizes.size(), 1u);
    EXPECT_EQ(net.sizes[0].video_frames, 16);
    EXPECT_EQ(net.sizes[0].length, frames == 16 ? static_cast<dim_t>(length) : 16 * static_cast<dim_t>(a_frame));
    for (std::size_t i = length; i < net.mixtures[0].size(); ++i) ASSERT_EQ(net.mixtures[0][i], 0.f);
    EXPECT_EQ(net.videos[0][15], 5 + static_cast<float>(frames - 1));  // the last frame, again
  }
  // Enough video, too little sound.
  function_av_separator deaf(rate, follow_video, 1, 120);
  seen_mixture seen(deaf, {face(3, 7)});
  EXPECT_EQ(separate_long(seen, signal(101, 1.f), windows).size(), 101u);
  EXPECT_EQ(deaf.sizes[0].length, 120);
  EXPECT_EQ(deaf.sizes[0].video_frames, 3);
}

// A network for sound alone would be put right by correlation; here the faces say whose voice it is.
TEST(seen_mixture, order_is_that_of_the_faces) {
  const std::size_t length = 4000;
  const signal a = tone(length, 0.01), b = tone(length, 0.07, 0.5);
  signal x(length);
  for (std::size_t i = 0; i < length; ++i) x[i] = a[i] + b[i];
  function_av_separator net(rate, [&](const av_size& n, std::span<const float>, std::span<const float> video, auto y) {
    const auto start = static_cast<std::size_t>(video[0]) * a_frame;  // where the window begins, as the video says
    const auto window = static_cast<std::size_t>(n.length);
    for (std::size_t s = 0; s < 2; ++s) {
      const bool first =
          video[s * 2 * static_cast<std::size_t>(n.video_frames) + static_cast<std::size_t>(n.video_frames)] == 1;
      // The marks are exchanged in the middle of the signal: so are the voices.
      for (std::size_t i = 0; i < window; ++i) y[s * window + i] = 3 * (first == (start < 2000) ? a : b)[start + i];
    }
  });
  const std::vector<signal> faces{face(100, 0, 1), face(100, 0, 2)}, turned{faces[1], faces[0]};
  seen_mixture seen(net, faces), other(net, turned);
  long_form_options o = windows;
  o.free_level = true;
  const signal y = separate_long(seen, x, o), z = separate_long(other, x, o);
  const std::size_t last = 1999, next = 2401;  // a window of 800 begins every 400: between them the old and the new are faded
  double apart = 0;
  for (std::size_t i = 0; i < length; ++i) {
    apart = std::max(apart, std::abs(static_cast<double>(a[i]) - b[i]));
    if (i > last && i < next) continue;
    ASSERT_NEAR(y[i], (i <= last ? a : b)[i], 1e-3) << i;
    ASSERT_NEAR(y[length + i], (i <= last ? b : a)[i], 1e-3) << i;
  }
  EXPECT_GT(apart, 0.5);  // another order would have been seen
  for (std::size_t i = 0; i < length; ++i) {
    ASSERT_NEAR(y[i], z[length + i], 1e-6);
    ASSERT_NEAR(y[length + i], z[i], 1e-6);
  }
}

TEST(seen_mixture, says_what_is_wrong) {
  function_av_separator net(rate, follow_video);
  EXPECT_TRUE(says(error_of([&] { seen_mixture(net, {}); }), "fake separates by faces"));
  EXPECT_TRUE(says(error_of([&] { seen_mixture(net, {face(4), face(5)}); }), "10 values", "as many frames as the others"));
  EXPECT_TRUE(says(error_of([&] { seen_mixture(net, {signal(7)}); }), "7 values", "2 channels"));
  EXPECT_TRUE(says(error_of([&] { seen_mixture(net, {signal()}); }), "0 values"));
}

TEST(check_window, asks_for_what_the_network_needs) {
  separator_info info{.name = "fake", .sample_rate = 1000};
  info.shortest_window = 640;
  EXPECT_EQ(error_of([&] { check_window(info, {.window = 0.64}); }), "");
  EXPECT_EQ(error_of([&] { check_window(info, {.window = 0}); }), "");
  EXPECT_TRUE(says(error_of([&] { check_window(info, {.window = 0.6}); }), "window = 0.6 s", "fake takes no less than 0.64 s"));
}

}  // namespace
}  // namespace avss
