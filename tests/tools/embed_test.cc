// //tools:embed as a user runs it: a process, its files, its output.
#include <gtest/gtest.h>

#include <avss/data/mouth_clip.hpp>
#include <avss/io/array_file.hpp>
#include <avss/io/weights_file.hpp>

#include "tests/support/tool_fixture.hpp"
#include "tools/models/device.hpp"
#include "tools/models/lip_embedder.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class embed : public tool_in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    fs::create_directories(folder / "data/mouths");
    for (int i = 0; i < 3; ++i) {
      lcg random(static_cast<std::uint32_t>(i));
      std::vector<std::uint8_t> pixels(static_cast<std::size_t>(6 + i) * 96 * 96);
      for (std::uint8_t& v : pixels) v = static_cast<std::uint8_t>(120 + 100 * random());
      clips.push_back({6 + i, 96, 96, pixels});
      write_array((folder / "data/mouths" / (std::to_string(i) + ".npz")).string(), "data",
                  tensor::of<std::uint8_t>({6 + i, 96, 96}, pixels));
    }
  }

  std::string data() const { return "video_encoder.dataset_path=" + (folder / "data").string() + " "; }
  std::string weights(const std::string& name = "encoder.pth") const {
    return "video_encoder.from_pretrained=" + (folder / name).string() + " ";
  }
  outcome run(const std::string& arguments) const { return run_tool("embed", arguments); }
  fs::path made(const std::string& name) const { return folder / "data/video_embeddings" / name; }

  // Fails with one line that has all `parts`, and leaves no result behind.
  template <class... Parts>
  void expect_refusal(const std::string& arguments, const Parts&... parts) {
    SCOPED_TRACE(arguments);
    const outcome r = run(arguments);
    EXPECT_EQ(r.status, 1);
    ASSERT_FALSE(r.err.empty());
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), parts...));
    EXPECT_TRUE(files_in(folder / "data/video_embeddings").empty());
  }

  std::vector<mouth_clip> clips;
};

TEST_F(embed, writes_what_the_library_gives) {
  const auto encoder = tools::make_lip_embedder(image_curve::swish, 1, tools::compute{});
  encoder->draw(5);
  encoder->save((folder / "encoder.pth").string(), {});
  const outcome r = run("video_encoder=reference --threads 2 " + data() + weights());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("activation swish"), std::string::npos) << r.out;
  encoder->prepare(96, true);
  for (std::size_t i = 0; i < clips.size(); ++i) {
    const tensor t = read_array(made(std::to_string(i) + ".pt").string(), "");
    EXPECT_EQ(t.shape, (std::vector<dim_t>{512, clips[i].frames}));
    EXPECT_EQ(t.values<float>(), encoder->embed(preprocess(clips[i], lip_preprocessing::reference), 0));
  }
}

TEST_F(embed, draws_an_encoder_that_can_be_used_again) {
  const std::string drawn = "video_encoder.random_seed=3 video_encoder.calibration_clips=2 " + data();
  outcome r = run(drawn);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("nobody trained, seed 3"), std::string::npos) << r.out;
  const std::string kept = made("encoder.safetensors").string();
  EXPECT_EQ(read_weights_file(kept).tensors.find("frontend3D.1.num_batches_tracked")->values<double>().at(0), 1);
  const std::string first = bytes_of_file(made("0.pt")), encoder = bytes_of_file(kept);
  // Features of many sizes, neither all alike nor huge: the statistics are those of the clips.
  double square = 0;
  const std::vector<float> features = read_array(made("0.pt").string(), "").values<float>();
  for (float v : features) square += v * v;
  square /= static_cast<double>(features.size());
  EXPECT_GT(square, 0.01);
  EXPECT_LT(square, 100);

  fs::remove(made("0.pt"));
  r = run(drawn);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("drawn before is used"), std::string::npos) << r.out;
  EXPECT_EQ(bytes_of_file(made("0.pt")), first);
  EXPECT_EQ(bytes_of_file(kept), encoder);
  r = run(data() + "video_encoder.random_seed=4");
  EXPECT_EQ(r.status, 1);
  EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), "random_seed '3' where 4", "overwrite=true"));

  // As weights of another run, its embeddings elsewhere; the file says its activation.
  r = run(data() + "video_encoder.from_pretrained=" + kept + " video_encoder.embeddings=" + (folder / "again").string());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(bytes_of_file(folder / "again/0.pt"), first);
}

TEST_F(embed, needs_to_know_what_and_with_which_weights) {
  expect_refusal(data() + "video_encoder.weights_dir=" + folder.string(), "lrw_resnet18_dctcn_video_boundary.pth",
                 "from_pretrained", "random_seed");
  expect_refusal("video_encoder.dataset_path=null video_encoder.random_seed=1", "where are the mouths",
                 "video_encoder.dataset_path");
  expect_refusal(data() + weights("nowhere.pth"), "nowhere.pth", "cannot be opened");
  expect_refusal(data() + weights() + "video_encoder.random_seed=1", "random_seed", "from_pretrained");
  expect_refusal(data() + weights() + "video_encoder.activation=gelu", "video_encoder.activation", "swish", "prelu");
  expect_refusal(data() + weights() + "video_encoder.preprocessing=crop", "video_encoder.preprocessing", "lrw");
  expect_refusal(data() + weights() + "video_encoder.bn_stats=clip", "video_encoder.bn_stats", "running");
  expect_refusal(data() + weights() + "video_encoder.format=wav", "video_encoder.format", "npz");
  expect_refusal(data() + weights() + "video_encoder.device=gpu", "video_encoder.device", "auto", "cpu", "cuda");
  expect_refusal(data() + weights() + "video_encoder.device=cuda",
                 "video_encoder.device=cuda: ", "or choose video_encoder.device=auto");
  expect_refusal(data() + weights() + "video_encoder.precision=bf16", "video_encoder.precision=bf16", "the CPU is used");
  expect_refusal(data() + "video_encoder.random_seed=-1", "video_encoder.random_seed");
  expect_refusal(data() + "video_encoder.random_seed=1 video_encoder.calibration_clips=0", "calibration_clips");
}

TEST_F(embed, refuses_weights_of_others) {
  tensor_dict other;
  other.add("encoder.weight", tensor::of<float>({1}, std::vector<float>{1}));
  write_pytorch((folder / "other.pth").string(), std::move(other));
  expect_refusal(data() + weights("other.pth"), "other.pth", "weights do not fit", "missing 120", "unexpected 1");
  std::ofstream(folder / "page.pth") << "<!DOCTYPE html>";
  expect_refusal(data() + weights("page.pth"), "page.pth", "HTML");
  // A folder of others stays as it is.
  fs::create_directories(folder / "theirs");
  std::ofstream(folder / "theirs/0.pt") << "somebody's";
  expect_refusal(data() + "video_encoder.random_seed=1 video_encoder.embeddings=" + (folder / "theirs").string(), "theirs",
                 "no manifest.jsonl", "overwrite=true");
  EXPECT_EQ(files_in(folder / "theirs").size(), 1u);
  // No clip to make the statistics of: nothing is drawn.
  fs::remove_all(folder / "data/mouths");
  expect_refusal(data() + "video_encoder.random_seed=1", "mouths", "no such folder");
}

}  // namespace
}  // namespace avss
