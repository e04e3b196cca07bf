// Crops given one by one are embedded as the whole clip is.
#include "tools/mouth_embedder.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_embedder.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;

mouth_clip random_clip(dim_t frames) {
  mouth_clip clip{frames, mouth_side, mouth_side, {}};
  std::uint32_t x = 7;
  for (dim_t i = 0; i < frames * mouth_side * mouth_side; ++i) {
    x = x * 1664525u + 1013904223u;
    clip.pixels.push_back(static_cast<std::uint8_t>(x >> 24));
  }
  return clip;
}

std::vector<float> one_by_one(const mouth_clip& clip, lip_embedder& encoder, lip_preprocessing how, bool batch) {
  mouth_embedder embedder(encoder, how, batch);
  for (dim_t t = 0; t < clip.frames; ++t)
    embedder.take(
        std::span(clip.pixels)
            .subspan(static_cast<std::size_t>(t * mouth_side * mouth_side), static_cast<std::size_t>(mouth_side * mouth_side)));
  return embedder.finish();
}

TEST(mouth_embedder, pieces_equal_the_whole) {
  for (const dim_t frames : {1, 2, 249, 250, 251, 252, 253, 254, 255, 500, 502, 505, 760}) {
    const mouth_clip clip = random_clip(frames);
    middle_embedder encoder;
    const std::vector<float> whole = encoder.embed(preprocess(clip, lip_preprocessing::lrw), 0);
    encoder.lengths.clear();
    EXPECT_EQ(one_by_one(clip, encoder, lip_preprocessing::lrw, false), whole) << frames;
    for (dim_t n : encoder.lengths) EXPECT_LE(n, mouth_embedder::piece + 2 * mouth_embedder::context);
  }
}

TEST(mouth_embedder, statistics_of_the_clip_need_it_whole) {
  const mouth_clip clip = random_clip(300);
  middle_embedder encoder;
  EXPECT_EQ(one_by_one(clip, encoder, lip_preprocessing::lrw, true),
            encoder.embed(preprocess(clip, lip_preprocessing::lrw), 0));
  EXPECT_EQ(encoder.lengths[0], 300);
  encoder.prepare(mouth_side, false);
  encoder.lengths.clear();
  EXPECT_EQ(one_by_one(clip, encoder, lip_preprocessing::reference, false),
            encoder.embed(preprocess(clip, lip_preprocessing::reference), 0));
  EXPECT_EQ(encoder.lengths[0], 300);
}

}  // namespace
}  // namespace avss::tools
