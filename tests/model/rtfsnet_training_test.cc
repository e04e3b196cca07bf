// The public entry, as a program uses it: a tiny RTFS-Net learns two voices by heart.
#include <gtest/gtest.h>

#include <avss/rtfsnet.hpp>
#include <cmath>
#include <vector>

namespace avss {
namespace {

constexpr rtfsnet_config small = [] {
  rtfsnet_config c = presets::rtfsnet_tiny;
  c.channels = 16, c.hidden = 8, c.rnn_hidden = 4, c.video_channels = 32, c.video_hidden = 8, c.passes = 2;
  return c;
}();

TEST(RtfsNet, learns_which_voice_goes_with_which_face) {
  using network = RtfsNet<small>;
  const av_size n{.batch = 1, .length = 640, .faces = 2, .video_frames = 10};
  std::vector<float> voices, mixture(640), video(2 * 32 * 10), estimates(2 * 640);
  for (int face = 0; face < 2; ++face)
    for (int i = 0; i < 640; ++i)
      voices.push_back(0.3f * std::sin((face ? 0.31f : 0.83f) * static_cast<float>(i)) *
                       (1 + 0.5f * std::sin(0.02f * static_cast<float>(i + 100 * face))));
  for (std::size_t i = 0; i < 640; ++i) mixture[i] = voices[i] + voices[640 + i];
  const random_stream draw(4, "video");
  for (std::size_t i = 0; i < video.size(); ++i) video[i] = draw.uniform<float>(i, -1, 1);

  av_engine<network, cpu> e(cpu(1));
  init_params(e.net(), 1, e.values(), e.state());
  const std::vector<flat_range> trained = trained_ranges(e.net());
  adam<float> optimiser(adamw_config, trained, e.net().extent().values);
  arena memory(1 << 16);
  double first = 0, last = 0;
  for (int step = 0; step < 80; ++step) {
    const pass_rules rules{.batch_statistics = true, .recompute = step % 2 == 1, .dropout = random_stream(1, "step", step)};
    last = e.train_step(n, mixture, video, estimates, rules, [&](auto& ctx, auto y, auto, auto dy, auto) {
      const view<network::estimate_shape, const float> target{voices.data(), y.extents};
      return evaluate(ctx, weighted{si_snr{}, 1.0}, y, target, dy);
    });
    if (step == 0) first = last;
    memory.reset();
    context<cpu> ctx(cpu(1), memory, pass::train);
    EXPECT_TRUE(clip_gradients(ctx, e.gradients(), trained, 5.0).finite());
    optimiser.step(ctx, e.values(), e.gradients(), {.lr = 4e-3});
    std::fill(e.gradients().begin(), e.gradients().end(), 0.f);
  }
  EXPECT_LT(last, first - 10) << "from " << first << " dB";

  // The faces exchanged, so are the voices; with running statistics now.
  std::vector<float> exchanged(video.begin() + 320, video.end()), swapped(estimates.size());
  exchanged.insert(exchanged.end(), video.begin(), video.begin() + 320);
  e.separate(n, mixture, video, estimates);
  e.separate(n, mixture, exchanged, swapped);
  for (std::size_t i = 0; i < 640; ++i) ASSERT_NEAR(swapped[i], estimates[640 + i], 1e-4) << i;
}

}  // namespace
}  // namespace avss
