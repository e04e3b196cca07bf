#include <gtest/gtest.h>

#include <avss/data/face_layout.hpp>
#include <avss/data/lip_embedding.hpp>
#include <avss/dsp/video_frames.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/io/tensor.hpp>
#include <limits>
#include <numeric>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

// 0, 1, 2, ... of any type.
template <class T = float>
tensor counting(std::vector<dim_t> shape) {
  tensor t{dtype_of<T>(), shape, {}};
  std::vector<T> values(static_cast<std::size_t>(t.size()));
  std::iota(values.begin(), values.end(), T(0));
  return tensor::of<T>(shape, values);
}

class lip_embedding_file : public in_folder {
 protected:
  std::string path(const std::string& name) const { return (folder / name).string(); }
  std::string npz(const std::string& key, const tensor& value) const {
    tensor_dict arrays;
    arrays.add(key, value);
    write_npz(path("e.npz"), arrays);
    return path("e.npz");
  }
};

void expect_counting(const std::string& file, dim_t channels, dim_t frames) {
  const lip_embedding e = read_lip_embedding(file, channels);
  EXPECT_EQ(e.channels, channels);
  EXPECT_EQ(e.frames, frames);
  EXPECT_EQ(e.values, counting({channels * frames}).values<float>());
}

TEST_F(lip_embedding_file, every_format_and_key) {
  for (const char* key : {"embedding", "embeddings", "data", "whatever_is_alone"}) {
    SCOPED_TRACE(key);
    expect_counting(npz(key, counting({4, 3})), 4, 3);
    tensor_dict dict;
    dict.add(key, counting({4, 3}));
    write_pytorch(path("dict.pt"), dict);
    expect_counting(path("dict.pt"), 4, 3);
  }
  write_npy(path("e.npy"), counting<double>({1, 4, 3}));
  expect_counting(path("e.npy"), 4, 3);
  write_pytorch(path("bare.pt"), checkpoint_value(counting({4, 3})));
  expect_counting(path("bare.pt"), 4, 3);
  fs::rename(path("bare.pt"), path("any.name"));
  expect_counting(path("any.name"), 4, 3);
}

// What torch.save writes of a part of a batch: the whole batch's storage.
TEST_F(lip_embedding_file, a_view_into_a_batch) {
  const lip_embedding e = read_lip_embedding("tests/golden/weights/tensor_bare.pt", 2);
  EXPECT_EQ(e.frames, 3);
  const pytorch_file whole("tests/golden/weights/tensor_bare.pt");
  EXPECT_GT(whole.root().tensor_view()->storage.size(), 6 * sizeof(float));
  EXPECT_EQ(e.values, whole.root().tensor_view()->load().values<float>());
}

TEST_F(lip_embedding_file, either_order_of_the_axes) {
  write_npy(path("turned.npy"), counting({1, 1, 3, 4}));
  const lip_embedding e = read_lip_embedding(path("turned.npy"), 4);
  EXPECT_EQ(e.frames, 3);
  EXPECT_EQ(e.values, (std::vector<float>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  write_npy(path("square.npy"), counting({4, 4}));
  EXPECT_EQ(read_lip_embedding(path("square.npy"), 4).values, counting({16}).values<float>());
  write_npy(path("one.npy"), counting({1, 4}));
  EXPECT_EQ(read_lip_embedding(path("one.npy"), 4).frames, 1);
}

TEST_F(lip_embedding_file, known_key_among_others) {
  tensor_dict arrays;
  arrays.add("landmarks", counting({7}));
  arrays.add("embedding", counting({4, 3}));
  write_npz(path("e.npz"), arrays);
  expect_counting(path("e.npz"), 4, 3);
  arrays.entries[1].name = "lips";
  write_npz(path("e.npz"), arrays);
  EXPECT_TRUE(says(error_of([&] { read_lip_embedding(path("e.npz"), 4); }), path("e.npz"),
                   "called embedding, embeddings or data", "'landmarks', 'lips'"));
}

TEST_F(lip_embedding_file, refuses_what_is_none) {
  const auto refusal = [&](const std::string& file, dim_t channels = 512) {
    const std::string line = error_of([&] { read_lip_embedding(file, channels); });
    EXPECT_TRUE(says(line, file));
    return line;
  };
  EXPECT_TRUE(says(refusal(npz("embedding", counting({500, 50}))), "[500, 50] of float32", "[512, frames]", "//tools:embed"));
  EXPECT_TRUE(says(refusal(npz("data", counting<std::uint8_t>({2, 96, 96}))), "[2, 96, 96] of uint8", "//tools:embed"));
  EXPECT_TRUE(says(refusal(npz("data", counting<std::uint8_t>({4, 3})), 4), "[4, 3] of uint8"));
  EXPECT_TRUE(says(refusal(npz("data", counting({4, 0})), 4), "[4, 0]"));
  EXPECT_TRUE(says(refusal(npz("data", counting({4})), 4), "[4] of"));
  EXPECT_TRUE(says(refusal(npz("data", counting({2, 4, 3})), 4), "[2, 4, 3] of"));
  EXPECT_TRUE(says(refusal(path("missing.npz")), "cannot be opened"));
  write_bytes(path("empty.npz"), "");
  EXPECT_TRUE(says(refusal(path("empty.npz")), "empty"));
  write_bytes(path("film.npz"), "RIFF....AVI and much more");
  EXPECT_TRUE(says(refusal(path("film.npz")), "expected an npz, npy or PyTorch file"));
  write_pytorch(path("list.pt"), checkpoint_value::list({checkpoint_value(1)}));
  EXPECT_TRUE(says(refusal(path("list.pt")), "found none"));
}

TEST_F(lip_embedding_file, refuses_numbers_that_are_none) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (const bool turned : {false, true}) {
      std::vector<float> values(12, 1.f);
      values[turned ? 2 * 4 + 1 : 1 * 3 + 2] = bad;
      write_npy(path("bad.npy"), turned ? tensor::of<float>({3, 4}, values) : tensor::of<float>({4, 3}, values));
      EXPECT_TRUE(
          says(error_of([&] { read_lip_embedding(path("bad.npy"), 4); }), path("bad.npy"), "not finite", "frame 2, channel 1"));
    }
}

TEST_F(lip_embedding_file, refuses_every_truncation) {
  write_npy(path("e.npy"), counting({4, 3}));
  npz("embedding", counting({4, 3}));
  write_pytorch(path("e.pt"), checkpoint_value(counting({4, 3})));
  for (const char* name : {"e.npy", "e.npz", "e.pt"}) {
    const std::string whole = bytes_of_file(path(name));
    for (std::size_t size = 0; size < whole.size(); size += 7) {
      write_bytes(path("cut"), whole.substr(0, size));
      EXPECT_TRUE(says(error_of([&] { read_lip_embedding(path("cut"), 4); }), path("cut"))) << name << " " << size;
    }
  }
}

TEST(lip_frames, of_an_audio_length) {
  EXPECT_EQ(lip_frames_of(32000, 16000), 50);
  EXPECT_EQ(lip_frames_of(32001, 16000), 50);
  EXPECT_EQ(lip_frames_of(31999, 16000), 50);
  EXPECT_EQ(lip_frames_of(32320, 16000), 51);  // half a frame more
  EXPECT_EQ(lip_frames_of(1, 16000), 1);
  EXPECT_EQ(lip_frames_of(44100, 44100), 25);
  EXPECT_EQ(lip_frames_of(dim_t{3600} * 48000, 48000), 90000);
  EXPECT_EQ(lip_frames_of(std::numeric_limits<dim_t>::max(), 48000) / 25, std::numeric_limits<dim_t>::max() / 48000);
}

TEST(lip_frames, are_brought_to_the_audios) {
  const lip_embedding e{2, 5, {0, 1, 2, 3, 4, 10, 11, 12, 13, 14}};
  const auto fitted = [&](dim_t frames) { return fit_to_audio(e, frames * 640, 16000, "e.npz", "mix.wav"); };
  EXPECT_EQ(fitted(5).values, e.values);
  EXPECT_EQ(fitted(3).values, (std::vector<float>{0, 1, 2, 10, 11, 12}));
  EXPECT_EQ(fitted(4).frames, 4);
  EXPECT_EQ(fitted(7).values, (std::vector<float>{0, 1, 2, 3, 4, 4, 4, 10, 11, 12, 13, 14, 14, 14}));
  EXPECT_TRUE(says(error_of([&] { fitted(8); }), "e.npz: has 5 frames, 0.2 s", "mix.wav lasts 0.32 s, 8 frames"));
  EXPECT_TRUE(says(error_of([&] { fitted(2); }), "e.npz: has 5 frames", "mix.wav lasts 0.08 s, 2 frames"));
}

class face_layout : public in_folder {};

TEST_F(face_layout, ids_and_files_of_a_mixture) {
  EXPECT_EQ(face_ids("a_b"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(face_ids("a"), (std::vector<std::string>{"a"}));
  EXPECT_EQ(face_ids("a__c"), (std::vector<std::string>{"a", "", "c"}));
  for (const char* name : {"a.npz", "b.npy", "c.pt", "d.pt", "d.npz"}) write_bytes(folder / name, "x");
  EXPECT_EQ(find_face(folder, "a", "a_b"), folder / "a.npz");
  EXPECT_EQ(find_face(folder, "b", "a_b"), folder / "b.npy");
  EXPECT_EQ(find_face(folder, "c", "c"), folder / "c.pt");
  EXPECT_TRUE(says(error_of([&] { find_face(folder, "d", "d"); }), "holds both d.npz and d.pt"));
  EXPECT_TRUE(says(error_of([&] { find_face(folder, "x", "a_x"); }), folder.string(), "x.npz, .npy or .pt", "a face of a_x",
                   "//tools:embed"));
  EXPECT_TRUE(says(error_of([&] { find_face(folder, "", "a_"); }), "empty id"));
}

}  // namespace
}  // namespace avss
