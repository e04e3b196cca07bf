// //tools:train on mixtures with the faces of their speakers.
#include <gtest/gtest.h>

#include <avss/train/checkpoint.hpp>
#include <filesystem>
#include <string>

#include "tests/tools/train_faces_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

TEST_F(train_faces, one_target_speaker_resumed_equals_uninterrupted) {
  store("train", 3, 1);
  store("val", 2, 21);
  const outcome r = run(tiny("whole"));
  ASSERT_EQ(r.status, 0) << r.err;
  for (const char* word : {"rtfsnet_tiny", "1 of the faces", "3 mixtures", "each face in turn", "val si_snri"})
    EXPECT_NE(r.out.find(word), std::string::npos) << word << " in " << r.out;
  const std::string expected = content(folder / "whole/checkpoint-last.pth");
  EXPECT_EQ(read_checkpoint(folder / "whole/checkpoint-last.pth").arch, "RTFSNet");
  ASSERT_EQ(run(tiny("part") + "trainer.n_epochs=1 lr_scheduler.epochs=2").status, 0) << bytes_of_file(folder / "stderr");
  ASSERT_EQ(run(tiny("part") + "trainer.resume_from=checkpoint-last.pth").status, 0) << bytes_of_file(folder / "stderr");
  EXPECT_EQ(content(folder / "part/checkpoint-last.pth"), expected);
  // Neither the threads that compute or read nor the memory that is saved change what is learned.
  for (const char* more : {"--threads 2", "dataloader.num_workers=0", "dataloader.num_workers=3 dataloader.prefetch_factor=5",
                           "trainer.recompute=true"}) {
    SCOPED_TRACE(more);
    fs::remove_all(folder / "other");
    ASSERT_EQ(run(tiny("other") + more).status, 0) << bytes_of_file(folder / "stderr");
    EXPECT_EQ(content(folder / "other/checkpoint-last.pth"), expected);
  }
  fs::remove_all(folder / "other");
  ASSERT_EQ(run(tiny("other") + "trainer.dropout=false").status, 0);
  EXPECT_NE(content(folder / "other/checkpoint-last.pth"), expected);
  ASSERT_EQ(run(tiny("further") + "trainer.from_pretrained=" + (folder / "whole/model_best.pth").string()).status, 0)
      << bytes_of_file(folder / "stderr");
}

TEST_F(train_faces, both_speakers_permuted) {
  store("train", 3, 1);
  store("val", 2, 21);
  const outcome r = run(pit("run"));
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("2 of the faces"), std::string::npos) << r.out;
  const checkpoint c = read_checkpoint(folder / "run/checkpoint-last.pth");
  EXPECT_EQ(c.arch, "RTFSNet2SpeakersSeparation");
  EXPECT_EQ(c.config.find("model")->find("attention")->text(), "time");  // what infer takes the network by
  // One target speaker goes on from both, and without a data set.
  EXPECT_EQ(run(tiny("one") + "trainer.from_pretrained=" + (folder / "run/model_best.pth").string()).status, 0);
  ASSERT_EQ(run("--threads 1 -cn=train_rtfsnet_pit model=rtfsnet_tiny datasets=synthetic "
                "trainer.n_epochs=1 trainer.epoch_len=2 dataloader.batch_size=2 datasets.train.segment=0.1 "
                "datasets.val.segment=0.1 datasets.val.limit=2 writer.run_name=tones trainer.save_dir=" +
                folder.string())
                .status,
            0)
      << bytes_of_file(folder / "stderr");
}

TEST_F(train_faces, says_what_is_wrong_with_faces) {
  store("train", 2, 1);
  store("val", 1, 21);
  fs::remove(face(2));
  expect_refusal(tiny("x"), "datasets.train", "2.npz", "1_2", "//tools:embed");
  embed(2, 16);
  expect_refusal(tiny("x"), "2.npz", "16 frames", "10 frames");
  embed(2, 10, 512);
  expect_refusal(tiny("x"), "2.npz", "512", "12");
  embed(2, 12);  // the difference that is made up for
  EXPECT_EQ(run(tiny("x")).status, 0) << bytes_of_file(folder / "stderr");
  fs::remove_all(folder / "x");
  expect_refusal(tiny("x") + "datasets.train.use_video_data=false", "datasets.train.use_video_data", "faces");
  expect_refusal(tiny("x") + "datasets.train.expect_target=false", "datasets.train.expect_target");
  expect_refusal(tiny("x") + "datasets.train.dataset_type=bss", "bss", "2 faces", "model.num_speakers");
  expect_refusal(tiny("x") + "datasets.train.dataset_type=all", "dataset_type", "tss");
  expect_refusal(tiny("x") + "model.num_speakers=2", "tss", "1 face");
  expect_refusal(tiny("x") + "datasets.train.segment=null", "2 s", "pad");  // constant_len_value
  expect_refusal("-cn=train_rtfsnet model=rtfsnet_tiny datasets=dynamic datasets.train.folders=" + folder.string(), "no faces",
                 "train_av");
  expect_refusal("-cn=train_rtfsnet model=convtasnet_tiny datasets.train.dataset_path=" + (folder / "data").string(), "tss",
                 "face");
  fs::rename(folder / "data/video_embeddings", folder / "data/elsewhere");
  expect_refusal(tiny("x"), "video_embeddings", "no such folder", "//tools:embed");
  EXPECT_FALSE(fs::exists(folder / "x/checkpoint-last.pth"));
}

}  // namespace
}  // namespace avss
