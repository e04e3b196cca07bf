// Crops of mouths: their files, and what the encoder is to see of them.
#include <gtest/gtest.h>

#include <avss/data/mouth_clip.hpp>
#include <numeric>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

mouth_clip some_clip(dim_t frames, dim_t side) {
  mouth_clip clip{frames, side, side, std::vector<std::uint8_t>(static_cast<std::size_t>(frames * side * side))};
  lcg random(3);
  for (std::uint8_t& v : clip.pixels) v = static_cast<std::uint8_t>(128 + 100 * random());
  return clip;
}

class mouth_clip_file : public in_folder {
 protected:
  std::string path(const std::string& name) const { return (folder / name).string(); }
  std::string store(const std::string& name, std::vector<dim_t> shape, const std::vector<std::uint8_t>& pixels,
                    const std::string& key = "data") const {
    write_array(path(name), key, tensor::of<std::uint8_t>(std::move(shape), pixels));
    return path(name);
  }
};

TEST_F(mouth_clip_file, comes_back_from_every_format) {
  const mouth_clip clip = some_clip(3, 96);
  for (const char* name : {"1.npz", "1.npy", "1.pt"}) {
    const mouth_clip back = read_mouth_clip(store(name, {3, 96, 96}, clip.pixels));
    EXPECT_EQ(back.pixels, clip.pixels) << name;
    EXPECT_EQ(back.frames, 3);
  }
  EXPECT_EQ(read_mouth_clip(store("2.npy", {3, 1, 96, 96}, clip.pixels)).pixels, clip.pixels);
  EXPECT_EQ(read_mouth_clip(store("3.npz", {3, 96, 96}, clip.pixels, "mouth"), "mouth").pixels, clip.pixels);
  EXPECT_EQ(read_mouth_clip(store("4.npz", {4, 88, 88}, some_clip(4, 88).pixels)).height, 88);
}

TEST_F(mouth_clip_file, colours_become_grey) {
  std::vector<std::uint8_t> pixels(3 * 96 * 96, 200);
  const std::vector<std::uint8_t> first{255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 90};
  std::copy(first.begin(), first.end(), pixels.begin());
  const mouth_clip clip = read_mouth_clip(store("1.npz", {1, 96, 96, 3}, pixels));
  // 0.299, 0.587, 0.114
  EXPECT_EQ((std::vector<std::uint8_t>(clip.pixels.begin(), clip.pixels.begin() + 5)),
            (std::vector<std::uint8_t>{76, 150, 29, 131, 200}));
}

TEST_F(mouth_clip_file, what_is_no_clip_is_refused) {
  const auto refused = [&](const std::string& file) { return error_of([&] { read_mouth_clip(file); }); };
  const std::vector<std::uint8_t> some(96 * 96 * 2);
  EXPECT_TRUE(says(refused(store("flat.npz", {96, 192}, some)), "flat.npz", "[96, 192]", "[frames, 96, 96]"));
  EXPECT_TRUE(says(refused(store("small.npz", {2, 48, 192}, some)), "small.npz", "96 x 96"));
  EXPECT_TRUE(says(refused(store("none.npz", {0, 96, 96}, {})), "none.npz", "empty", "[0, 96, 96]"));
  write_array(path("float.npz"), "data", tensor::of<float>({1, 96, 96}, std::vector<float>(96 * 96)));
  EXPECT_TRUE(says(refused(path("float.npz")), "float32", "uint8"));
}

TEST(Preprocess, lrw_is_the_centre_by_fixed_numbers) {
  const mouth_clip clip = some_clip(2, 96);
  const std::vector<float> x = preprocess(clip, lip_preprocessing::lrw);
  ASSERT_EQ(x.size(), 2u * 88 * 88);
  const auto expected = [&](dim_t t, dim_t h, dim_t w) {
    return static_cast<float>((clip.pixels[static_cast<std::size_t>((t * 96 + h + 4) * 96 + w + 4)] / 255. - 0.421) / 0.165);
  };
  EXPECT_EQ(x.front(), expected(0, 0, 0));
  EXPECT_EQ(x[88 * 88 + 5 * 88 + 7], expected(1, 5, 7));
  EXPECT_EQ(x.back(), expected(1, 87, 87));
  const mouth_clip cropped = some_clip(2, 88);
  EXPECT_EQ(preprocess(cropped, lip_preprocessing::lrw)[3], static_cast<float>((cropped.pixels[3] / 255. - 0.421) / 0.165));
}

TEST(Preprocess, reference_is_by_the_clip_itself) {
  const std::vector<float> x = preprocess(some_clip(3, 96), lip_preprocessing::reference);
  const double n = static_cast<double>(x.size());
  ASSERT_EQ(x.size(), 3u * 96 * 96);
  const double mean = std::accumulate(x.begin(), x.end(), 0.) / n;
  double square = 0;
  for (float v : x) square += (v - mean) * (v - mean);
  EXPECT_NEAR(mean, 0, 1e-6);
  EXPECT_NEAR(square / (n - 1), 1, 1e-6);

  mouth_clip one_grey{1, 96, 96, std::vector<std::uint8_t>(96 * 96, 77)};
  for (float v : preprocess(one_grey, lip_preprocessing::reference)) EXPECT_NEAR(v, 0, 1e-6);
  EXPECT_TRUE(says(error_of([&] { preprocess(some_clip(1, 88), lip_preprocessing::reference); }), "88 x 88", "96 x 96", "lrw"));
}

}  // namespace
}  // namespace avss
