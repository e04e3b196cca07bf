// //tools:train with the losses that a configuration can say.
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/train_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class train_losses : public train_in_folder {
 protected:
  std::string tiny(const std::string& name, const std::string& loss) const {
    return "--threads 1 model=convtasnet_tiny datasets=synthetic trainer.n_epochs=1 trainer.epoch_len=3 trainer.log_step=1 "
           "dataloader.batch_size=2 datasets.train.segment=0.1 datasets.val.segment=0.1 datasets.val.limit=2 "
           "trainer.save_period=0 trainer.save_dir=" +
           folder.string() + " writer.run_name=" + name + " " + loss + " ";
  }
};

TEST_F(train_losses, each_runs) {
  for (const std::string name :
       {"pit_si_snr", "si_sdr", "sd_sdr", "thresholded_snr", "complex_spec", "complex_spec_l1", "magnitude_l1", "magnitude_mse",
        "log_magnitude_l1", "log_magnitude_mse", "multi_resolution_stft", "waveform_l1", "waveform_mse"}) {
    const outcome r = run(tiny(name, "loss_function=" + name));
    EXPECT_EQ(r.status, 0) << name << ": " << r.err;
  }
}

TEST_F(train_losses, parts_are_columns_of_every_partition) {
  for (const std::string name : {"mix", "mix_v2", "weighted_sum", "pit_weighted_sum"}) {
    const outcome r = run(tiny(name, "loss_function=" + name));
    ASSERT_EQ(r.status, 0) << name << ": " << r.err;
    const std::string csv = bytes_of_file(folder / name / "metrics.csv"), json = bytes_of_file(folder / name / "metrics.jsonl");
    const std::string other = name.starts_with("mix") ? "complex_spec_loss" : "stft_loss";
    for (const std::string& part : {std::string("si_snr_loss"), other}) {
      EXPECT_NE(csv.substr(0, csv.find('\n')).find(part), std::string::npos) << csv;
      std::size_t lines = 0;
      for (std::size_t at = json.find('"' + part + '"'); at != std::string::npos; at = json.find('"' + part + '"', at + 1))
        ++lines;
      EXPECT_EQ(lines, 5u) << json;  // three steps, the epoch, the validation
    }
  }
}

TEST_F(train_losses, refuses_what_it_does_not_know) {
  const auto refused = [&](const std::string& loss, const auto&... parts) { expect_refusal(tiny("no", loss), parts...); };
  refused("loss_function=mix +loss_function.loss3=1", "loss_function.loss3", "no such key");
  refused("loss_function=mix loss_function.loss2_weight=much", "loss_function.loss2_weight");
  refused("loss_function=mix loss_function.loss2_name=loss", "'loss'", "taken");
  refused("loss_function=mix loss_function.loss2_name=si_snr_loss", "'si_snr_loss'", "taken");
  refused("loss_function=magnitude_l1 loss_function.window=255", "window", "255", "even");
  refused("loss_function=magnitude_l1 loss_function.hop=257", "hop", "257");
  refused("loss_function=multi_resolution_stft loss_function.hops=[128]", "loss_function.hops", "one for each");
  refused("loss_function=pit_weighted_sum loss_function.loss.losses.si_snr_loss.loss._target_=PITSISNRLoss",
          "permutation within a permutation");
  refused("loss_function=weighted_sum loss_function.losses.stft_loss.weight=inf", "weight");
}

}  // namespace
}  // namespace avss
