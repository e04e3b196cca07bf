// Training with the frozen encoder in the loop.
#include <gtest/gtest.h>

#include <avss/io/weights_file.hpp>
#include <cstddef>
#include <fstream>
#include <map>

#include "tests/tools/mouths_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class encoder_in_loop : public with_mouths {
 protected:
  static constexpr const char* drawn = "video_encoder.random_seed=3 video_encoder.calibration_clips=2 ";
  static constexpr const char* loop = "video_encoder.in_loop=true ";
  static constexpr const char* still = "video_encoder.augment=false ";

  // The network's weights after a run.
  std::map<std::string, std::vector<std::byte>> weights(const std::string& name) const {
    std::map<std::string, std::vector<std::byte>> all;
    for (const named_tensor& e : read_weights_file((folder / name / "checkpoint-last.pth").string()).tensors.entries)
      all[e.name] = e.value.bytes;
    return all;
  }
  // What a run of that name ends with.
  std::map<std::string, std::vector<std::byte>> after(const std::string& name, const std::string& arguments) const {
    const outcome r = train(training(name) + drawn + arguments);
    EXPECT_EQ(r.status, 0) << r.err;
    return weights(name);
  }
};

TEST_F(encoder_in_loop, without_augmentation_it_is_the_cache) {
  const auto cached = after("cached", "");
  const std::string kept = "video_encoder.from_pretrained=" + (folder / "encoder.safetensors").string() + " ";
  fs::rename(data() / "video_embeddings/encoder.safetensors", folder / "encoder.safetensors");
  fs::remove_all(data() / "video_embeddings");
  const outcome r = train(training("loop") + kept + loop + still);
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("mouths are seen by the encoder in every step, their centres"), std::string::npos) << r.out;
  EXPECT_FALSE(fs::exists(data() / "video_embeddings"));
  // A frame's features are the same, to the last bit, alone and within its clip, and so is all that is made of them.
  EXPECT_EQ(weights("loop"), cached);
}

TEST_F(encoder_in_loop, augmentation_is_the_same_for_any_number_of_workers) {
  const auto whole = after("whole", loop);
  EXPECT_NE(after("still", std::string(loop) + still), whole);
  for (const char* workers : {"0", "1", "3"})
    EXPECT_EQ(after(std::string("workers") + workers, std::string(loop) + "dataloader.num_workers=" + workers), whole)
        << workers;
  // Resumed, too; and another seed sees other crops.
  after("part", std::string(loop) + "trainer.n_epochs=1 lr_scheduler.epochs=2");
  EXPECT_EQ(after("part", std::string(loop) + "trainer.resume_from=checkpoint-last.pth"), whole);
  EXPECT_NE(after("other", std::string(loop) + "trainer.seed=2"), whole);
}

TEST_F(encoder_in_loop, both_faces_and_statistics_of_the_clip) {
  std::string pit = training("pit");
  pit.replace(pit.find("train_rtfsnet"), 13, "train_rtfsnet_pit");
  const outcome r = train(pit + drawn + loop + "video_encoder.bn_stats=batch");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("cropped and mirrored at random"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("statistics of each clip"), std::string::npos) << r.out;
}

TEST_F(encoder_in_loop, says_what_is_wrong) {
  expect_refusal(train(training("run") + drawn + loop + "video_encoder=reference"), "video_encoder.in_loop", "88 x 88",
                 "video_encoder=lrw");
  expect_refusal(train(training("run") + drawn + loop + "model=rtfsnet_tiny"), "video_encoder.in_loop", "12 features", "512");
  expect_refusal(train(training("run") + loop + "video_encoder.weights_dir=" + folder.string()), "from_pretrained",
                 "random_seed");
  expect_refusal(train(training("run") + drawn + loop + "video_encoder.overwrite=true"), "video_encoder.overwrite");
  fs::remove(mouth(14));
  expect_refusal(train(training("run") + drawn + loop), "datasets.train", "no clip of a mouth 14.npz", "13_14");
  EXPECT_FALSE(fs::exists(folder / "run/checkpoint-last.pth"));
}

}  // namespace
}  // namespace avss
