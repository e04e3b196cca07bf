// Mixtures with the lip embeddings of their speakers.
#include <gtest/gtest.h>

#include <avss/data/loader.hpp>
#include <avss/data/mixture_set.hpp>
#include <avss/io/audio_writer.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/train/batches.hpp>
#include <cmath>
#include <memory>
#include <set>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

constexpr int rate = 8000;
constexpr dim_t per_frame = rate / 25;

class faces : public in_folder {
 protected:
  // Sample t of s1 is t / 2^20 + 0.1, of s2 the negative.
  void store_sound(const std::string& name, std::size_t frames) const {
    const std::size_t length = frames * per_frame;
    std::vector<float> s1(length), s2(length), mix(length);
    for (std::size_t t = 0; t < length; ++t) {
      s1[t] = 0.1f + static_cast<float>(t) / (1 << 20);
      s2[t] = -s1[t];
    }
    for (const auto& [part, x] : {std::pair{"mix", &mix}, {"s1", &s1}, {"s2", &s2}}) {
      fs::create_directories(folder / "audio/train" / part);
      write_audio(folder / "audio/train" / part / (name + ".wav"), rate, *x);
    }
  }
  // Frame f of channel c is 1000 id + 100 c + f.
  void store_face(const std::string& id, dim_t frames, const char* ending = ".npz", dim_t channels = 3) const {
    std::vector<float> v;
    for (dim_t c = 0; c < channels; ++c)
      for (dim_t f = 0; f < frames; ++f) v.push_back(static_cast<float>(1000 * std::stol(id) + 100 * c + f));
    const tensor t = tensor::of<float>({channels, frames}, v);
    const std::string path = (folder / "video_embeddings" / (id + ending)).string();
    fs::create_directories(folder / "video_embeddings");
    tensor_dict arrays;
    arrays.add("embedding", t);
    if (std::string(ending) == ".npz")
      write_npz(path, arrays);
    else
      write_pytorch(path, arrays);
  }
  mixture_set open(mixture_set_options o = {}) const {
    o.rate = rate, o.embeddings = folder / "video_embeddings", o.video_channels = 3;
    return mixture_set(list_dataset(folder, "train"), o);
  }
};

// Whether the features of a face are those of the frames from the one on that sample `first` begins; id < 0: any face's.
void expect_in_step(const batch& b, std::size_t row, std::size_t face, float first_sample) {
  const float start = std::round((std::abs(first_sample) - 0.1f) * (1 << 20));
  const std::size_t frames = static_cast<std::size_t>(b.video.frames);
  const auto features = std::span(b.features)
                            .subspan(static_cast<std::size_t>(b.video.channels * b.video.frames) *
                                     (row * static_cast<std::size_t>(b.video.faces) + face));
  EXPECT_EQ(std::fmod(start, static_cast<float>(per_frame)), 0) << "an item that begins between two frames";
  EXPECT_EQ(std::fmod(features[0], 100.f), start / per_frame);
  for (std::size_t f = 0; f < frames; ++f)
    for (std::size_t c = 0; c < 3; ++c)
      EXPECT_EQ(features[c * frames + f], features[0] + static_cast<float>(100 * c + f)) << c << " " << f;
}

TEST_F(faces, come_beside_their_voices_and_are_cut_in_step) {
  for (const auto& [name, frames] : {std::pair{"1_2", 12}, {"3_1", 20}, {"2_4", 9}}) store_sound(name, frames);
  for (const char* id : {"1", "2", "3", "4"}) store_face(id, 20, *id == '3' ? ".pt" : ".npz");
  store_face("2", 11);
  // 1 and 2 serve mixtures of several lengths: those are too far apart.
  EXPECT_TRUE(says(error_of([&] { open({.length = 8 * per_frame}); }), "has 20 frames", "12 frames"));
  store_sound("1_2", 20), store_sound("2_4", 20);
  for (const char* id : {"1", "2", "4"}) store_face(id, id[0] == '4' ? 18 : 20);
  const mixture_set source = open({.length = 8 * per_frame, .order = item_order::shuffled});
  EXPECT_EQ(source.video(), (video_extent{2, 3, 8}));
  std::set<float> starts;
  batch b;
  for (std::uint64_t n = 0; n < 60; n += 4) {
    make_batch(source, n, 4, b);
    ASSERT_EQ(b.features.size(), 4u * 2 * 3 * 8);
    for (std::size_t row = 0; row < 4; ++row) {
      const std::string name = source.item(n + row).name;
      for (std::size_t s = 0; s < 2; ++s) {
        const float sample = b.targets[(row * 2 + s) * static_cast<std::size_t>(b.length)];
        starts.insert(std::abs(sample));
        EXPECT_EQ(std::floor(b.features[(row * 2 + s) * 24] / 1000), static_cast<float>(name[2 * s] - '0'));
        if (name[2 * s] != '4') expect_in_step(b, row, s, sample);
      }
    }
  }
  EXPECT_GT(starts.size(), 8u);
  // The last frame of a face that ends too early is repeated.
  const mixture_set whole = open();
  make_batch(whole, 1, 1, b);
  ASSERT_EQ(whole.item(1).name, "2_4");
  EXPECT_EQ(b.features[60 + 17], 4017);
  EXPECT_EQ(b.features[60 + 19], 4017);
}

TEST_F(faces, one_for_each_item_is_a_target_speaker) {
  store_sound("5_6", 6), store_sound("7_8", 6);
  for (const char* id : {"5", "6", "7", "8"}) store_face(id, 6);
  const mixture_set source = open({.voices = item_voices::one});
  EXPECT_EQ(source.count(), 4);
  EXPECT_EQ(source.mixtures(), 2);
  EXPECT_EQ(source.sources(), 1);
  EXPECT_EQ(source.video(), (video_extent{1, 3, 6}));
  batch b;
  make_batch(source, 0, 4, b);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(b.features[18 * i], static_cast<float>(5000 + 1000 * i));
    EXPECT_EQ(b.targets[static_cast<std::size_t>(b.length) * i] > 0, i % 2 == 0) << "the louder voice is s1's";
  }
  // Shuffled, an epoch has each face once.
  const mixture_set shuffled = open({.order = item_order::shuffled, .voices = item_voices::one});
  std::set<float> seen;
  make_batch(shuffled, 4, 4, b);
  for (std::size_t i = 0; i < 4; ++i) seen.insert(b.features[18 * i]);
  EXPECT_EQ(seen.size(), 4u);
}

TEST_F(faces, of_items_longer_than_the_recording_stand_still) {
  store_sound("1_2", 6);
  store_face("1", 6), store_face("2", 6);
  const mixture_set source = open({.length = 9 * per_frame, .order = item_order::shuffled, .short_items = when_short::pad});
  batch b;
  for (std::uint64_t n = 0; n < 10; ++n) {
    make_batch(source, n, 1, b);
    std::size_t delay = 0;
    while (b.targets[delay] == 0) ++delay;
    ASSERT_EQ(delay % per_frame, 0u);
    for (std::size_t f = 0; f < 9; ++f) {
      const float expected = std::clamp(static_cast<float>(f) - static_cast<float>(delay / per_frame), 0.f, 5.f);
      EXPECT_EQ(b.features[f], 1000 + expected);
    }
  }
}

TEST_F(faces, are_the_same_whoever_reads_them) {
  store_sound("1_2", 20), store_sound("3_4", 20);
  for (const char* id : {"1", "2", "3", "4"}) store_face(id, 20);
  const auto set = std::make_shared<const mixture_set>(open({.length = 5 * per_frame, .order = item_order::shuffled}));
  for (const auto& source : {std::static_pointer_cast<const item_source>(set),
                             std::static_pointer_cast<const item_source>(std::make_shared<const shuffled_source>(set, 3))}) {
    batch plain, b;
    for (const int workers : {0, 1, 3}) {
      loader l(*source, {.batch_size = 3, .workers = workers});
      for (std::uint64_t n = 0; n < 30; n += 3) {
        make_batch(*source, n, 3, plain);
        ASSERT_TRUE(l.next(b));
        EXPECT_EQ(b.features, plain.features);
        EXPECT_EQ(b.mixtures, plain.mixtures);
        EXPECT_EQ(b.video, set->video());
      }
    }
  }
}

TEST_F(faces, that_are_missing_or_wrong_are_named) {
  store_sound("1_2", 10);
  const auto refused = [&] { return error_of([&] { open(); }); };
  EXPECT_TRUE(says(refused(), "video_embeddings", "no such folder", "//tools:embed"));
  store_face("1", 10);
  EXPECT_TRUE(says(refused(), "video_embeddings", "2.npz", "1_2", "//tools:embed"));
  store_sound("3_4", 10), store_sound("5_6", 10);
  EXPECT_TRUE(says(refused(), "2.npz", "2 more mixtures"));
  for (const char* id : {"3", "4", "5", "6"}) store_face(id, 10);
  store_face("2", 13);
  EXPECT_TRUE(says(refused(), "2.npz", "13 frames", "1_2.wav", "10 frames"));
  store_face("2", 10, ".npz", 4);
  EXPECT_TRUE(says(refused(), "2.npz", "3,"));
  store_face("2", 10);
  EXPECT_EQ(refused(), "");
  store_sound("lonely", 10);
  EXPECT_TRUE(says(refused(), "lonely", "1 face of 2 sources", "ID1_ID2"));
  mixture_set_options odd;
  odd.rate = 8010, odd.embeddings = folder / "video_embeddings";
  EXPECT_TRUE(says(error_of([&] { mixture_set(list_dataset(folder, "train"), odd); }), "8010 Hz", "multiple of 25"));
}

}  // namespace
}  // namespace avss
