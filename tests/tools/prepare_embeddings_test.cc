// Training and inference make the lip embeddings that their data set lacks.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/tools/mouths_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class prepare_embeddings : public with_mouths {
 protected:
  static constexpr const char* drawn = "video_encoder.random_seed=3 video_encoder.calibration_clips=2 ";
  std::vector<std::string> made() const { return files_in(data() / "video_embeddings"); }
};

using names = std::vector<std::string>;

TEST_F(prepare_embeddings, training_makes_what_its_mixtures_need_and_no_more) {
  store_mouth(99);
  const outcome first = train(training("first") + drawn);
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.out.find("6 of 6 faces have no lip embedding in"), std::string::npos) << first.out;
  EXPECT_NE(first.out.find("nobody trained, seed 3"), std::string::npos) << first.out;
  EXPECT_NE(first.out.find("6 clips embedded, 60 frames"), std::string::npos) << first.out;
  EXPECT_EQ(made(), (names{"11.pt", "12.pt", "13.pt", "14.pt", "21.pt", "22.pt", "encoder.safetensors", "manifest.jsonl"}));
  const std::string before = bytes_of_file(face(11)), lost = bytes_of_file(face(13));

  // Two more faces, and one that was lost: the folder is completed by the same encoder, and what is there stays.
  store("train", 15, 16);
  fs::remove(face(13));
  const outcome second = train(training("second") + drawn);
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_NE(second.out.find("3 of 8 faces"), std::string::npos) << second.out;
  EXPECT_NE(second.out.find("drawn before is used"), std::string::npos) << second.out;
  EXPECT_NE(second.out.find("3 clips embedded"), std::string::npos) << second.out;
  EXPECT_EQ(bytes_of_file(face(11)), before);
  EXPECT_EQ(bytes_of_file(face(13)), lost);
  EXPECT_TRUE(fs::exists(face(16)));
  EXPECT_FALSE(fs::exists(face(99)));

  // Nothing is missing: the encoder is not looked for.
  const outcome third = train(training("third") + "video_encoder.from_pretrained=nowhere.pth");
  EXPECT_EQ(third.status, 0) << third.err;
  EXPECT_EQ(third.out.find("encoder"), std::string::npos) << third.out;
  // Another encoder's would not go with those that are there.
  fs::remove(face(12));
  expect_refusal(train(training("fourth") + drawn + "video_encoder=reference"), "encoder.safetensors", "reference");
  EXPECT_FALSE(fs::exists(folder / "fourth/checkpoint-last.pth"));
}

TEST_F(prepare_embeddings, only_what_a_limited_data_set_needs) {
  const outcome r = train(training("run") + drawn + "datasets.train.limit=1 datasets.val=null trainer.monitor=off");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(made(), (names{"11.pt", "12.pt", "encoder.safetensors", "manifest.jsonl"}));
}

TEST_F(prepare_embeddings, says_how_to_go_on) {
  const std::string nowhere = "video_encoder.weights_dir=" + folder.string() + " ";
  expect_refusal(train(training("run") + nowhere), "6 of 6 faces have no lip embedding", "data/mouths",
                 "lrw_resnet18_dctcn_video_boundary.pth", "video_encoder.from_pretrained=FILE", "video_encoder.random_seed=N");
  expect_refusal(train(training("run") + drawn + "video_encoder.prepare_embeddings=false"), "video_embeddings: no such folder",
                 "//tools:embed");
  expect_refusal(train(training("run") + drawn + "video_encoder.overwrite=true"), "video_encoder.overwrite", "//tools:embed");
  EXPECT_FALSE(fs::exists(data() / "video_embeddings"));
  // A folder that holds a run is refused before anything is made.
  fs::create_directories(folder / "run");
  std::ofstream(folder / "run/config.yaml") << "a run";
  expect_refusal(train(training("run") + drawn), "a run is there already");
  EXPECT_FALSE(fs::exists(data() / "video_embeddings"));
  fs::remove_all(folder / "run");
  // A face that nothing can be made of; a clip that cannot be read.
  fs::remove(mouth(22));
  expect_refusal(train(training("run") + drawn), "mouths/22.npz: there is no such mouth, nor a lip embedding",
                 "a face of the mixture 21_22", "//tools:crop_mouths");
  EXPECT_FALSE(fs::exists(face(21)));  // before the others are made
  std::ofstream(mouth(22)) << "no clip";
  expect_refusal(train(training("run") + drawn), "22.npz");
  EXPECT_FALSE(fs::exists(folder / "run/checkpoint-last.pth"));
}

TEST_F(prepare_embeddings, tells_of_an_encoder_that_is_not_the_one_asked_for) {
  ASSERT_EQ(train(training("run") + drawn).status, 0) << bytes_of_file(folder / "stderr");
  const outcome same = train(training("same") + drawn);
  EXPECT_EQ(same.status, 0);
  EXPECT_EQ(same.err, "");
  const outcome other = train(training("other") + "video_encoder.random_seed=99 ");
  EXPECT_EQ(other.status, 0);
  EXPECT_NE(other.err.find("its embeddings are of another encoder, with random_seed"), std::string::npos) << other.err;
}

TEST_F(prepare_embeddings, mouths_and_embeddings_elsewhere) {
  fs::rename(data() / "mouths", folder / "faces");
  const outcome r = train(training("run") + drawn + "video_encoder.mouths=" + (folder / "faces").string() +
                          " video_encoder.embeddings=" + (folder / "features").string());
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(files_in(folder / "features").size(), 8u);
  EXPECT_FALSE(fs::exists(data() / "video_embeddings"));
}

TEST_F(prepare_embeddings, inference) {
  ASSERT_EQ(train(training("run") + drawn).status, 0) << bytes_of_file(folder / "stderr");
  const std::string infer =
      "--threads 1 -cn=inf_rtfsnet model=rtfsnet_small inferencer.from_pretrained=" + (folder / "run/model_best.pth").string() +
      " datasets.inf.dataset_path=" + data().string() + " datasets.inf.partition=val inferencer.save_path=";
  const auto result = [&](const std::string& name) { return bytes_of_file(folder / name / "inf/s1/21_22.wav"); };
  ASSERT_EQ(run_tool("infer", infer + (folder / "cached").string()).status, 0) << bytes_of_file(folder / "stderr");
  fs::rename(data() / "video_embeddings", folder / "kept");
  expect_refusal(run_tool("infer", infer + (folder / "out").string() + " video_encoder.prepare_embeddings=false"),
                 "video_embeddings: no such folder", "//tools:embed");
  const std::string kept = "video_encoder.from_pretrained=" + (folder / "kept/encoder.safetensors").string();
  const outcome same = run_tool("infer", infer + (folder / "made").string() + " video_encoder=lrw " + kept);
  ASSERT_EQ(same.status, 0) << same.err;
  EXPECT_EQ(same.err, "");
  EXPECT_NE(same.out.find("2 clips embedded"), std::string::npos) << same.out;
  EXPECT_EQ(made(), (names{"21.pt", "22.pt", "manifest.jsonl"}));
  EXPECT_FALSE(result("made").empty());
  EXPECT_EQ(result("made"), result("cached"));

  // Other embeddings than the weights were trained on are made, with a note.
  fs::remove_all(data() / "video_embeddings");
  const outcome other = run_tool("infer", infer + (folder / "other").string() + " " + kept);
  EXPECT_EQ(other.status, 0) << other.err;
  EXPECT_TRUE(says(other.err.substr(0, other.err.find('\n')), "note", "video_encoder=reference", "model_best.pth",
                   "goes with video_encoder=lrw"));
  EXPECT_NE(result("other"), result("made"));
}

}  // namespace
}  // namespace avss
