// Tools that run networks on a device: the emulator's, in programs that have it in a device's place.
#include <gtest/gtest.h>

#include <avss/io/audio.hpp>
#include <avss/train/checkpoint.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tests/tools/train_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class on_device : public train_in_folder {
 protected:
  static constexpr const char *train = "../tests/tools/train_emulated", *infer = "../tests/tools/infer_emulated";

  std::string steps(const std::string& name, const std::string& more) const {
    return "--threads 1 model=convtasnet_tiny datasets=synthetic trainer.n_epochs=2 trainer.epoch_len=3 trainer.log_step=1 "
           "dataloader.batch_size=2 datasets.train.segment=0.05 datasets.val.segment=0.05 datasets.val.limit=2 "
           "trainer.save_period=0 trainer.save_dir=" +
           folder.string() + " writer.run_name=" + name + " " + more;
  }
  tensor_dict weights(const std::string& name) const { return read_checkpoint(folder / name / last_checkpoint).weights; }
  static void expect_near(const tensor_dict& a, const tensor_dict& b, double slack) {
    ASSERT_EQ(a.entries.size(), b.entries.size());
    for (std::size_t i = 0; i < a.entries.size(); ++i) {
      const auto x = a.entries[i].value.values<double>(), y = b.entries[i].value.values<double>();
      for (std::size_t k = 0; k < x.size(); ++k) ASSERT_NEAR(x[k], y[k], slack) << a.entries[i].name;
    }
  }
};

TEST_F(on_device, tools_for_the_cpu_say_so) {
  expect_refusal(steps("a", "trainer.device=cuda"), "trainer.device=cuda: ", "or choose trainer.device=auto");
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  const outcome r = run(steps("b", "trainer.device=auto"));
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("; on the CPU; run folder "), std::string::npos) << r.out;
  expect_refusal(steps("c", "trainer.device=gpu"), "trainer.device", "auto", "cpu", "cuda");
  expect_refusal(steps("c", "trainer.precision=bf16"), "trainer.precision=bf16", "the CPU is used", "take float32");
  expect_refusal(steps("c", "trainer.precision=fp16"), "trainer.precision", "float32", "tf32", "bf16");
}

TEST_F(on_device, training_is_the_cpus_and_its_runs_move) {
  const outcome there = run(steps("there", "trainer.device=cuda"), "", train);
  ASSERT_EQ(there.status, 0) << there.err;
  EXPECT_NE(there.out.find("; on the emulator; run folder "), std::string::npos) << there.out;
  ASSERT_EQ(run(steps("here", "trainer.device=cpu"), "", train).status, 0);
  expect_near(weights("here"), weights("there"), 1e-4);
  ASSERT_EQ(run(steps("rounded", "trainer.precision=bf16"), "", train).status, 0);
  expect_near(weights("here"), weights("rounded"), 2e-2);
  EXPECT_NE(weights("there").entries[0].value.values<double>(), weights("rounded").entries[0].value.values<double>());
  // Begun on one, ended on the other.
  ASSERT_EQ(run(steps("here", "trainer.n_epochs=3 trainer.resume_from=checkpoint-last.pth"), "", train).status, 0);
  ASSERT_EQ(
      run(steps("there", "trainer.n_epochs=3 trainer.resume_from=checkpoint-last.pth trainer.device=cpu"), "", train).status,
      0);
  expect_near(weights("here"), weights("there"), 1e-4);
}

TEST_F(on_device, estimates_are_the_cpus) {
  ASSERT_EQ(run(steps("a", "trainer.device=cpu")).status, 0);
  write_audio(folder / "mix.wav", 8000, noise(900, 1, 0.3));
  const auto separate = [&](const char* device, const std::string& to) {
    return run("model=convtasnet_tiny inferencer.device=" + std::string(device) +
                   " inferencer.from_pretrained=" + (folder / "a/model_best.pth").string() +
                   " inferencer.input=" + (folder / "mix.wav").string() + " inferencer.save_path=" + (folder / to).string(),
               "", infer);
  };
  const outcome r = separate("auto", "there");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find(" Hz, on the emulator, weights "), std::string::npos) << r.out;
  ASSERT_EQ(separate("cpu", "here").status, 0);
  for (const char* s : {"s1", "s2"}) {
    const std::filesystem::path name = std::filesystem::path("inf") / s / "mix.wav";
    const auto x = read_audio(folder / "here" / name).samples, y = read_audio(folder / "there" / name).samples;
    ASSERT_EQ(x.size(), y.size());
    double loudest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(x[i], y[i], 1e-4) << s << ' ' << i;
      loudest = std::max(loudest, std::abs(static_cast<double>(x[i])));
    }
    EXPECT_GT(loudest, 0.01);
  }
}

TEST_F(on_device, networks_that_are_not_compiled_for_it) {
  const outcome told = run(steps("a", "model=convtasnet_small trainer.device=cuda"), "", train);
  EXPECT_EQ(told.status, 1);
  EXPECT_NE(told.err.find("trainer.device=cuda: convtasnet_small is not compiled for it to be trained; these networks are: "
                          "convtasnet_tiny, rtfsnet_tiny; or choose trainer.device=auto"),
            std::string::npos)
      << told.err;
  const outcome here = run(steps("b", "model=convtasnet_small"), "", train);
  EXPECT_EQ(here.status, 0) << here.err;
  EXPECT_NE(here.out.find("; on the CPU (convtasnet_small is not compiled for it to be trained; these networks are: "),
            std::string::npos)
      << here.out;
}

}  // namespace
}  // namespace avss
