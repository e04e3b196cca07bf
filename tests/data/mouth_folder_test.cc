// Mouths that are seen through an encoder as items are made. The encoder is a fake that shows what it was given.
#include <gtest/gtest.h>

#include <avss/data/mixture_set.hpp>
#include <avss/data/mouth_folder.hpp>
#include <avss/io/array_file.hpp>
#include <avss/io/audio.hpp>
#include <mutex>
#include <set>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

constexpr dim_t frame_values = lrw_side * lrw_side;
constexpr int rate = 16000;  // 640 samples a frame

// What a pixel is after the preprocessing.
float seen(int value) { return static_cast<float>((value / 255. - 0.421) / 0.165); }

class mouth_source : public in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    fs::create_directories(folder / "mouths");
    store("1", 12);
    store("2", 12);
  }

  // Pixel (h, w) of frame t is h + w / 2 + t, so that a value tells where it stood; the left half is darker than the right.
  static int pixel(dim_t t, dim_t h, dim_t w) { return static_cast<int>(h + w / 2 + 5 * t); }
  void store(const std::string& id, dim_t frames, dim_t side = 96) const {
    std::vector<std::uint8_t> pixels;
    for (dim_t t = 0; t < frames; ++t)
      for (dim_t h = 0; h < side; ++h)
        for (dim_t w = 0; w < side; ++w) pixels.push_back(static_cast<std::uint8_t>(pixel(t, h, w)));
    write_array((folder / "mouths" / (id + ".npz")).string(), "data", tensor::of<std::uint8_t>({frames, side, side}, pixels));
  }

  // Features of a frame: its first pixel, the last of its first row, and the first of its last row.
  mouth_encoder encoder() {
    mouth_encoder e;
    e.channels = 3;
    e.encode = [this](std::span<const float> clip) {
      const std::size_t frames = clip.size() / frame_values;
      std::vector<float> y(3 * frames);
      for (std::size_t t = 0; t < frames; ++t) {
        const std::span<const float> f = clip.subspan(t * frame_values, frame_values);
        y[t] = f[0], y[frames + t] = f[lrw_side - 1], y[2 * frames + t] = f[frame_values - lrw_side];
      }
      const std::lock_guard lock(mutex);
      lengths.insert(frames);
      return y;
    };
    return e;
  }
  std::vector<float> read(const mouth_folder& from, dim_t first, dim_t frames, std::optional<random_stream> draw = {},
                          dim_t samples = 12 * 640) const {
    std::vector<float> out(static_cast<std::size_t>(3 * frames));
    from.read(folder / "mouths/1.npz", samples, "1_2.wav", first, draw, out);
    return out;
  }

  std::mutex mutex;
  std::set<std::size_t> lengths;  // of the clips that were encoded
};

TEST_F(mouth_source, the_centre_of_the_frames_asked_for_and_two_on_each_side) {
  const mouth_folder mouths(folder / "mouths", encoder(), rate);
  EXPECT_EQ(mouths.channels(), 3);
  EXPECT_EQ(mouths.frames_in(folder / "mouths/1.npz"), 12);
  const std::vector<float> y = read(mouths, 4, 3);
  EXPECT_EQ(lengths, std::set<std::size_t>{7});
  for (dim_t t = 0; t < 3; ++t) {
    EXPECT_EQ(y[static_cast<std::size_t>(t)], seen(pixel(4 + t, 4, 4)));
    EXPECT_EQ(y[static_cast<std::size_t>(3 + t)], seen(pixel(4 + t, 4, 91)));
    EXPECT_EQ(y[static_cast<std::size_t>(6 + t)], seen(pixel(4 + t, 91, 4)));
  }
  lengths.clear();
  EXPECT_EQ(read(mouths, 0, 12).size(), 36u);
  EXPECT_EQ(lengths, std::set<std::size_t>{12});
  // Beyond the ends the first and the last; a mixture that is two frames longer than the face, or shorter.
  const std::vector<float> wide = read(mouths, -2, 17, {}, 14 * 640);
  EXPECT_EQ(wide[0], seen(pixel(0, 4, 4)));
  EXPECT_EQ(wide[16], seen(pixel(11, 4, 4)));
  EXPECT_EQ(read(mouths, 8, 4, {}, 10 * 640)[3], seen(pixel(9, 4, 4)));
  EXPECT_TRUE(says(error_of([&] { read(mouths, 0, 3, {}, 15 * 640); }), "1.npz", "12 frames", "1_2.wav"));

  mouth_encoder all = encoder();
  all.sees_all = true;
  lengths.clear();
  const std::vector<float> same = read(mouth_folder(folder / "mouths", all, rate), 4, 3);
  EXPECT_EQ(same, y);
  EXPECT_EQ(lengths, std::set<std::size_t>{12});
}

TEST_F(mouth_source, a_drawn_crop_is_one_for_all_frames) {
  const mouth_folder mouths(folder / "mouths", encoder(), rate);
  std::set<float> places;
  int mirrored = 0;
  for (std::uint64_t n = 0; n < 300; ++n) {
    const random_stream draw(7, "item", n);
    const std::vector<float> y = read(mouths, 3, 2, draw);
    EXPECT_EQ(read(mouths, 3, 2, draw), y);
    const mouth_clip clip = read_mouth_clip((folder / "mouths/1.npz").string());
    const mouth_crop crop = draw_crop(clip, draw);
    ASSERT_TRUE(crop.top >= 0 && crop.top <= 8 && crop.left >= 0 && crop.left <= 8);
    const dim_t left = crop.mirrored ? crop.left + 87 : crop.left, right = crop.mirrored ? crop.left : crop.left + 87;
    for (dim_t t = 0; t < 2; ++t) {
      ASSERT_EQ(y[static_cast<std::size_t>(t)], seen(pixel(3 + t, crop.top, left)));
      ASSERT_EQ(y[static_cast<std::size_t>(2 + t)], seen(pixel(3 + t, crop.top, right)));
      ASSERT_EQ(y[static_cast<std::size_t>(4 + t)], seen(pixel(3 + t, crop.top + 87, left)));
    }
    places.insert(static_cast<float>(crop.top * 9 + crop.left));
    mirrored += crop.mirrored;
  }
  EXPECT_GT(places.size(), 70u) << "of 81";
  EXPECT_GT(mirrored, 110);
  EXPECT_LT(mirrored, 190);
  mouth_encoder as_it_is = encoder();
  as_it_is.varied = false;
  EXPECT_EQ(read(mouth_folder(folder / "mouths", as_it_is, rate), 3, 2, random_stream(7)), read(mouths, 3, 2));
  // Clips that are cut to what is seen already can only be mirrored.
  store("1", 12, lrw_side);
  EXPECT_EQ(read(mouths, 3, 1)[0], seen(pixel(3, 0, 0)));
}

TEST_F(mouth_source, mixtures_vary_by_item_and_epoch_and_not_in_validation) {
  for (const char* part : {"mix", "s1", "s2"}) {
    fs::create_directories(folder / "audio" / part);
    write_audio(folder / "audio" / part / "1_2.wav", rate, noise(12 * 640, 3, 0.3));
  }
  mixture_set_options o{.rate = rate, .length = 0, .order = item_order::shuffled, .voices = item_voices::one};
  o.faces = std::make_shared<mouth_folder>(folder / "mouths", encoder(), rate);
  const mixture_set training(list_dataset(folder), o), again(list_dataset(folder), o);
  EXPECT_EQ(training.video(), (video_extent{1, 3, 12}));
  const auto features = [](const mixture_set& set, std::uint64_t n) {
    std::vector<float> y(static_cast<std::size_t>(set.video().size()));
    set.make_features(n, y);
    return y;
  };
  std::set<std::vector<float>> views;
  for (std::uint64_t n = 0; n < 20; ++n) {
    views.insert(features(training, n));
    EXPECT_EQ(features(again, n), features(training, n));
  }
  EXPECT_GT(views.size(), 12u);
  o.order = item_order::fixed;
  const mixture_set validation(list_dataset(folder), o);
  for (std::uint64_t n : {0, 1, 2}) EXPECT_EQ(features(validation, n), features(validation, 0)) << "one clip like the other";
  EXPECT_EQ(features(validation, 0)[0], seen(pixel(0, 4, 4)));
  // Both faces of a mixture are varied each in its own way.
  o.order = item_order::shuffled, o.voices = item_voices::all;
  const mixture_set both(list_dataset(folder), o);
  std::size_t differ = 0;
  for (std::uint64_t n = 0; n < 10; ++n) {
    const std::vector<float> y = features(both, n);
    differ += !std::equal(y.begin(), y.begin() + 36, y.begin() + 36);
  }
  EXPECT_GT(differ, 5u);

  fs::remove(folder / "mouths/2.npz");
  EXPECT_TRUE(says(error_of([&] { mixture_set(list_dataset(folder), o); }), "mouths", "2.npz", "1_2"));
  write_array((folder / "mouths/2.npy").string(), "", tensor::of<float>({2}, std::vector<float>{1, 2}));
  EXPECT_TRUE(says(error_of([&] { mixture_set(list_dataset(folder), o); }), "2.npy", "not a clip of a mouth"));
  EXPECT_TRUE(says(error_of([&] { mouth_folder(folder / "nowhere", encoder(), rate); }), "nowhere", "no such folder"));
}

}  // namespace
}  // namespace avss
