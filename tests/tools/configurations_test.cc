// Every named configuration on a synthesized corpus: 20 steps and a validation of each that trains, then separation with what
// it left, then the scores of that. Skipped where espeak-ng is not installed.
#include <gtest/gtest.h>

#include <algorithm>
#include <avss/io/audio.hpp>
#include <avss/train/checkpoint.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/tools/train_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class configurations : public train_in_folder, public ::testing::WithParamInterface<const char*> {
 protected:
  // The corpus is made once, and the embeddings with the first run that needs them.
  static void SetUpTestSuite() {
    const char* const folder = std::getenv("TEST_TMPDIR");
    shared_ = fs::path(folder ? folder : ::testing::TempDir()) / "configurations";
    fs::create_directories(shared_);
  }
  void SetUp() override {
    train_in_folder::SetUp();
    if (fs::exists(corpus() / "mouths")) return;
    const outcome made =
        run("--threads 1 synthesize.train_items=6 synthesize.val_items=2 synthesize.train_speakers=3 "
            "synthesize.val_speakers=2 synthesize.seconds=1 synthesize.save_path=" +
                corpus().string(),
            "", "synthesize");
    if (made.status != 0 && made.err.find("espeak-ng") != std::string::npos) GTEST_SKIP() << made.err;
    ASSERT_EQ(made.status, 0) << made.err;
    // For augmentation.
    fs::create_directories(shared_ / "noises");
    fs::create_directories(shared_ / "irs");
    write_audio(shared_ / "noises/hiss.wav", 16000, noise(8000, 1, 0.2));
    std::vector<float> room = noise(2000, 2, 1);
    for (std::size_t i = 0; i < room.size(); ++i) room[i] *= std::exp(-static_cast<float>(i) / 300);
    write_audio(shared_ / "irs/room.wav", 16000, room);
  }
  static fs::path corpus() { return shared_ / "corpus"; }
  static fs::path noises() { return shared_ / "noises"; }
  static fs::path irs() { return shared_ / "irs"; }

  // The values of a column in the rows of a partition.
  std::vector<double> column(const std::string& name, const std::string& partition) const {
    std::ifstream in(folder / "run/metrics.csv");
    std::vector<double> values;
    std::size_t at = 0;
    for (std::string line; std::getline(in, line);) {
      std::istringstream fields(line);
      std::vector<std::string> row;
      for (std::string f; std::getline(fields, f, ',');) row.push_back(f);
      if (row[0] == "step") {
        at = static_cast<std::size_t>(std::find(row.begin(), row.end(), name) - row.begin());
        EXPECT_LT(at, row.size()) << "no column " << name;
      } else if (row[2] == partition && at < row.size()) {
        values.push_back(std::stod(row[at]));
      }
    }
    return values;
  }
  void expect_columns(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      EXPECT_EQ(column(name, "val").size(), 1u) << name;
      EXPECT_EQ(column(name, "train_epoch").size(), 1u) << name;
      for (const double v : column(name, "val")) EXPECT_TRUE(std::isfinite(v)) << name;
    }
  }
  static bool is_audio_only(const std::string& name) { return name.find("convtasnet") != std::string::npos; }

 private:
  static inline fs::path shared_;
};

TEST_P(configurations, trains_separates_and_scores) {
  const std::string name = GetParam(), model = is_audio_only(name) ? "convtasnet_cpu" : "rtfsnet_small";
  const bool with_augs = name == "train_rtfsnet_with_augs", pair = name == "train_rtfsnet_pit";
  const outcome trained =
      run("--threads 1 -cn=" + name + " model=" + model + (pair ? " model.num_speakers=2" : "") +
          " trainer.n_epochs=1 trainer.epoch_len=20 trainer.log_step=10 dataloader.batch_size=1 "
          "datasets.train.calculate_len=false datasets.train.constant_len_value=0.64 writer.run_name=run trainer.save_dir=" +
          folder.string() + " datasets.train.dataset_path=" + corpus().string() +
          (is_audio_only(name) ? "" : " video_encoder.random_seed=1") +
          (with_augs ? " transforms.noises_dir=" + noises().string() + " transforms.irs_dir=" + irs().string() : ""));
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_EQ(read_checkpoint(folder / "run" / last_checkpoint).step, 20);
  expect_columns({"loss"});
  if (name.find("multiloss") != std::string::npos) expect_columns({"si_snr_loss", "complex_spec_loss"});
  EXPECT_EQ(column("si_snri", "val").size(), 1u);

  const std::string kind = is_audio_only(name) ? "convtasnet" : "rtfsnet";
  const outcome separated =
      run("--threads 1 -cn=inf_" + kind + " model=" + model + " datasets.inf.dataset_path=" + corpus().string() +
              " datasets.inf.partition=val inferencer.save_path=" + (folder / "results").string() +
              " inferencer.from_pretrained=" + (folder / "run" / best_checkpoint).string() +
              (is_audio_only(name) ? "" : " video_encoder=lrw video_encoder.random_seed=1"),
          "", "infer");
  ASSERT_EQ(separated.status, 0) << separated.err;
  EXPECT_EQ(files_in(folder / "results/inf/s2").size(), 2u);

  const outcome scored = run("-cn=calc_metrics_" + kind + " metric_calculator.gt_path=" + (corpus() / "audio/val").string() +
                                 " metric_calculator.pred_path=" + (folder / "results/inf").string(),
                             "", "calc_metrics");
  ASSERT_EQ(scored.status, 0) << scored.err;
  EXPECT_NE(scored.out.find("si_snri"), std::string::npos) << scored.out;
}

INSTANTIATE_TEST_SUITE_P(named, configurations,
                         ::testing::Values("train_convtasnet", "train_rtfsnet", "train_rtfsnet_pit", "train_rtfsnet_multiloss",
                                           "train_rtfsnet_multiloss_v2", "train_rtfsnet_with_augs", "train_rtfsnet_paper"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace avss
