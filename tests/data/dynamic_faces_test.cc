// Voices with their faces, mixed anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/data/dynamic_faces.hpp>
#include <avss/data/face_folder.hpp>
#include <avss/data/loader.hpp>
#include <avss/io/audio_writer.hpp>
#include <avss/io/npz.hpp>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

constexpr int rate = 8000;
constexpr std::size_t per_frame = rate / 25;
constexpr dim_t item_frames = 8;

class dynamic_av : public in_folder {
 protected:
  // The voice of face k changes its sign every k samples, and is k (f + 1) / 1000 loud in frame f.
  static std::vector<float> voice(int k, std::size_t frames) {
    std::vector<float> x(frames * per_frame);
    for (std::size_t t = 0; t < x.size(); ++t)
      x[t] = static_cast<float>(t / per_frame + 1) / 100 * (t / static_cast<std::size_t>(k) % 2 ? -1.f : 1.f);
    return x;
  }
  void store(const std::string& a, int ka, const std::string& b, int kb, std::size_t frames = 30) const {
    std::vector<float> s1 = voice(ka, frames), s2 = voice(kb, frames);
    std::vector<float> mix(s1);
    for (std::size_t t = 0; t < mix.size(); ++t) mix[t] += s2[t];
    for (const auto& [part, x] : {std::pair{"mix", &mix}, {"s1", &s1}, {"s2", &s2}}) {
      fs::create_directories(folder / "audio/train" / part);
      write_audio(folder / "audio/train" / part / (a + "_" + b + ".wav"), rate, *x);
    }
    store_face(a, ka, frames), store_face(b, kb, frames);
  }
  // Frame f of channel c is 1000 k + 100 c + f.
  void store_face(const std::string& id, int k, std::size_t frames) const {
    std::vector<float> v;
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t f = 0; f < frames; ++f)
        v.push_back(static_cast<float>(1000 * static_cast<std::size_t>(k) + 100 * c + f));
    fs::create_directories(folder / "video_embeddings");
    tensor_dict arrays;
    arrays.add("embedding", tensor::of<float>({2, static_cast<dim_t>(frames)}, v));
    write_npz((folder / "video_embeddings" / (id + ".npz")).string(), arrays);
  }
  dynamic_faces open(dynamic_faces_options o = {}) const {
    o.rate = rate;
    if (o.length == 32000) o.length = item_frames * static_cast<dim_t>(per_frame);
    o.faces = std::make_shared<face_folder>(folder / "video_embeddings", 2, rate);
    return {list_dataset(folder, "train"), o};
  }
};

// Which frame a voice begins with: the second is (f + 2) / (f + 1) as loud as the first.
int first_frame(std::span<const float> x) {
  const double first = std::abs(x[per_frame / 2]), second = std::abs(x[per_frame + per_frame / 2]);
  return static_cast<int>(std::lround(1 / (second / first - 1))) - 1;
}
// Whose voice it is: how many samples lie between the first changes of its sign.
int whose(std::span<const float> x) {
  std::vector<std::size_t> changes;
  for (std::size_t t = 1; t < x.size() && changes.size() < 2; ++t)
    if ((x[t] < 0) != (x[t - 1] < 0)) changes.push_back(t);
  return static_cast<int>(changes[1] - changes[0]);
}

// Face and voice are of one person and of one time.
void expect_in_step(std::span<const float> x, std::span<const float> features) {
  const int k = whose(x), f = first_frame(x);
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < item_frames; ++i)
      ASSERT_EQ(features[c * item_frames + i], static_cast<float>(1000 * k + f) + static_cast<float>(100 * c + i));
}

TEST_F(dynamic_av, faces_are_in_step_with_voices_that_were_never_mixed_before) {
  store("a", 3, "b", 4), store("c", 5, "d", 6), store("e", 7, "f", 8);
  std::set<int> starts;
  std::set<std::pair<int, int>> pairs;
  const dynamic_faces both = open({.voices = item_voices::all});
  EXPECT_EQ(both.sources(), 2);
  EXPECT_EQ(both.voices(), 6u);
  EXPECT_EQ(both.speakers(), 6u);
  EXPECT_EQ(both.video(), (video_extent{2, 2, item_frames}));
  const std::size_t length = static_cast<std::size_t>(both.length()), features = 2 * item_frames;
  batch b;
  make_batch(both, 0, 300, b);
  for (std::size_t n = 0; n < 300; ++n) {
    const auto target = [&](std::size_t s) { return std::span(b.targets).subspan((2 * n + s) * length, length); };
    for (std::size_t s = 0; s < 2; ++s) {
      expect_in_step(target(s), std::span(b.features).subspan((2 * n + s) * features, features));
      starts.insert(first_frame(target(s)));
    }
    ASSERT_NE(whose(target(0)), whose(target(1)));
    pairs.insert({whose(target(0)), whose(target(1))});
    float top = 0;
    for (std::size_t t = 0; t < length; ++t) {
      ASSERT_EQ(b.mixtures[n * length + t], target(0)[t] + target(1)[t]);
      top = std::max({top, std::abs(b.mixtures[n * length + t]), std::abs(target(0)[t]), std::abs(target(1)[t])});
    }
    ASSERT_NEAR(top, 0.9, 1e-6);
  }
  EXPECT_EQ(pairs.size(), 30u);   // each with each
  EXPECT_EQ(starts.size(), 23u);  // at each place
}

TEST_F(dynamic_av, one_target_speaker_of_a_mixture_of_several) {
  store("a", 3, "b", 4), store("c", 5, "d", 6);
  for (const int speakers : {1, 2, 3}) {
    const dynamic_faces one = open({.speakers = speakers, .levels = relative_levels{0, 0}, .peak = 0});
    EXPECT_EQ(one.sources(), 1);
    EXPECT_EQ(one.video(), (video_extent{1, 2, item_frames}));
    const std::size_t length = static_cast<std::size_t>(one.length());
    batch b;
    make_batch(one, 0, 40, b);
    for (std::size_t n = 0; n < 40; ++n) {
      const auto target = std::span(b.targets).subspan(n * length, length);
      expect_in_step(target, std::span(b.features).subspan(n * 2 * item_frames, 2 * item_frames));
      // The others are as loud together as so many voices of one level.
      double own = 0, others = 0, cross = 0;
      for (std::size_t t = 0; t < length; ++t) {
        const double rest = b.mixtures[n * length + t] - target[t];
        own += static_cast<double>(target[t]) * target[t], others += rest * rest, cross += rest * target[t];
      }
      EXPECT_NEAR(others / own, speakers - 1, speakers == 3 ? 0.9 : 1e-4);
      EXPECT_LT(std::abs(cross), 0.6 * own);
    }
  }
}

TEST_F(dynamic_av, never_two_of_one_speaker) {
  store("x-1", 3, "y-1", 4), store("x-2", 5, "z-1", 6);
  const dynamic_faces source = open({.voices = item_voices::all, .speaker = speaker_rule("stem:-:0")});
  EXPECT_EQ(source.voices(), 4u);
  EXPECT_EQ(source.speakers(), 3u);
  const std::size_t length = static_cast<std::size_t>(source.length());
  batch b;
  make_batch(source, 0, 200, b);
  int of_x = 0;
  for (std::size_t n = 0; n < 200; ++n) {
    const int first = whose(std::span(b.targets).subspan(2 * n * length, length));
    const int second = whose(std::span(b.targets).subspan((2 * n + 1) * length, length));
    EXPECT_FALSE((first == 3 && second == 5) || (first == 5 && second == 3));
    of_x += first == 3 || first == 5;
  }
  EXPECT_NEAR(of_x, 100, 28);  // by its number of voices: two of four
}

TEST_F(dynamic_av, an_id_in_several_mixtures_is_one_voice) {
  store("a", 3, "b", 4), store("a", 3, "c", 5), store("d", 6, "a", 3);
  EXPECT_EQ(open().voices(), 4u);
  store("e", 7, "f", 8, 5);
  EXPECT_EQ(open().voices(), 4u);
  EXPECT_EQ(open().skipped(), 2u);  // shorter than an item
}

TEST_F(dynamic_av, neither_workers_nor_the_cache_nor_a_resumed_run_change_items) {
  store("a", 3, "b", 4), store("c", 5, "d", 6);
  const auto made = [&](std::uint64_t first, int workers, std::size_t max_bytes, int batches) {
    const dynamic_faces source = open({.max_bytes = max_bytes, .seed = 5});
    loader from(source, {.batch_size = 3, .workers = workers, .first_item = first});
    batch b;
    std::vector<float> all;
    for (int i = 0; i < batches; ++i) {
      from.next(b);
      for (const auto* part : {&b.mixtures, &b.targets, &b.features}) all.insert(all.end(), part->begin(), part->end());
    }
    return all;
  };
  const std::vector<float> expected = made(0, 0, 1 << 20, 4);
  EXPECT_EQ(made(0, 3, 1 << 20, 4), expected);
  EXPECT_EQ(made(0, 1, 0, 4), expected);
  EXPECT_EQ(made(6, 2, 1 << 20, 2),
            std::vector<float>(expected.begin() + static_cast<std::ptrdiff_t>(expected.size() / 2), expected.end()));
}

// Features are a number that is drawn, or 0 for faces as they are.
class drawn_faces final : public face_source {
 public:
  explicit drawn_faces(const fs::path& folder) : face_source(folder, 2, avss::rate) {}
  dim_t frames_in(const fs::path&) const override { return 30; }
  void read(const fs::path&, dim_t, const fs::path&, dim_t, const std::optional<random_stream>& draw,
            std::span<float> out) const override {
    std::fill(out.begin(), out.end(), draw ? draw->uniform<float>(0) : 0.0f);
  }

 private:
  fs::path find_one(const std::string& id, const std::string&) const override { return folder() / id; }
};

TEST_F(dynamic_av, faces_are_varied_anew_for_every_item_where_that_is_asked) {
  store("a", 3, "b", 4);
  dynamic_faces_options o{.rate = rate, .length = item_frames * static_cast<dim_t>(per_frame), .voices = item_voices::all};
  o.faces = std::make_shared<drawn_faces>(folder);
  const mixture_list list = list_dataset(folder, "train");
  batch b;
  make_batch(dynamic_faces(list, o), 0, 50, b);
  EXPECT_EQ(std::set<float>(b.features.begin(), b.features.end()).size(), 100u);  // each face of each item
  o.vary_faces = false;
  make_batch(dynamic_faces(list, o), 0, 50, b);
  EXPECT_EQ(std::set<float>(b.features.begin(), b.features.end()), std::set<float>{0});
}

TEST_F(dynamic_av, says_what_is_wrong) {
  store("a", 3, "b", 4);
  const auto refused = [&](dynamic_faces_options o) { return error_of([&] { open(o); }); };
  EXPECT_TRUE(says(refused({.speakers = 3}), "mixtures of 3 speakers", "2 have"));
  EXPECT_TRUE(says(refused({.length = 31 * 320}), "0 have", "shorter length"));
  EXPECT_TRUE(says(refused({.speakers = 0}), "at least one speaker"));
  EXPECT_TRUE(says(refused({.length = 0}), "positive length"));
  EXPECT_TRUE(says(refused({.levels = relative_levels{5, -5}}), "levels"));
  EXPECT_TRUE(says(refused({.peak = 2}), "peak"));
  EXPECT_TRUE(says(refused({.speaker = speaker_rule("stem:-:1")}), "speaker rule", "stem:-:1"));
  store_face("b", 4, 20);
  EXPECT_TRUE(says(refused({}), "b.npz", "20 frames", "30 frames"));
  fs::remove(folder / "video_embeddings/b.npz");
  EXPECT_TRUE(says(refused({}), "no lip embedding b.npz", "a_b"));
  for (const char* part : {"s1", "s2"}) fs::remove_all(folder / "audio/train" / part);
  EXPECT_TRUE(says(refused({}), "single speakers", "s1/"));
}

}  // namespace
}  // namespace avss
