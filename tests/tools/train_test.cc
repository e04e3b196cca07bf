// //tools:train on voices alone.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <avss/io/audio.hpp>
#include <avss/train/checkpoint.hpp>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/tools/train_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class train : public train_in_folder {
 protected:
  // A run of 24 steps in two epochs; a checkpoint every 5 steps.
  std::string tiny(const std::string& name) const {
    return "--threads 1 model=convtasnet_tiny datasets=synthetic trainer.n_epochs=2 trainer.epoch_len=12 trainer.save_steps=5 "
           "trainer.log_step=4 "
           "dataloader.batch_size=2 datasets.train.segment=0.1 datasets.val.segment=0.1 datasets.val.limit=3 "
           "trainer.save_period=0 trainer.save_dir=" +
           folder.string() + " writer.run_name=" + name + " ";
  }
  child_process start(const std::string& arguments, const std::string& tool = "train") const {
    std::istringstream in(arguments);
    std::vector<std::string> words{"./tools/" + tool};
    for (std::string w; in >> w;) words.push_back(w);
    return child_process(std::move(words), folder / "stdout", folder / "stderr");
  }
};

TEST_F(train, a_run_and_what_it_leaves) {
  const outcome r = run(tiny("a"));
  ASSERT_EQ(r.status, 0) << r.err;
  for (const char* name :
       {"checkpoint-last.pth", "checkpoint-previous.pth", "model_best.pth", "metrics.jsonl", "metrics.csv", "config.yaml"})
    EXPECT_TRUE(fs::exists(folder / "a" / name)) << name;
  for (const char* word : {"convtasnet_tiny", "parameters", "epoch 2/2", "step 12/12", "items/s", "left", "val si_snri"})
    EXPECT_NE(r.out.find(word), std::string::npos) << word << " in " << r.out;
  EXPECT_NE(bytes_of_file(folder / "a/config.yaml").find("max_lr: 0.001"), std::string::npos);
  // The same again gives the same; what is there stays as it is.
  ASSERT_EQ(run(tiny("b")).status, 0);
  EXPECT_EQ(content(folder / "a/checkpoint-last.pth"), content(folder / "b/checkpoint-last.pth"));
  const std::string before = bytes_of_file(folder / "a/checkpoint-last.pth");
  expect_refusal(tiny("a"), "a run is there already", "writer.run_name", "trainer.resume_from");
  expect_refusal(tiny("a") + "trainer.override=true", "deletes nothing", "trainer.resume_from");
  EXPECT_EQ(bytes_of_file(folder / "a/checkpoint-last.pth"), before);
}

TEST_F(train, its_weights_separate) {
  ASSERT_EQ(run(tiny("a")).status, 0);
  write_audio(folder / "mix.wav", 8000, noise(4000, 1, 0.3));
  const outcome r =
      run("model=convtasnet_tiny inferencer.from_pretrained=" + (folder / "a/model_best.pth").string() +
              " inferencer.input=" + (folder / "mix.wav").string() + " inferencer.save_path=" + (folder / "separated").string(),
          "", "infer");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(fs::exists(folder / "separated/inf/s1/mix.wav"));
  EXPECT_EQ(run(tiny("b") + "trainer.from_pretrained=" + (folder / "a/model_best.pth").string()).status, 0);
}

TEST_F(train, validates_on_the_same_whatever_the_seed) {
  ASSERT_EQ(run(tiny("a")).status, 0);
  const auto validated = [&](const std::string& name, const std::string& seed) {
    const outcome r =
        run(tiny(name) + "trainer.seed=" + seed + " trainer.n_epochs=1 trainer.epoch_len=1 lr_scheduler.max_lr=1e-12 " +
            "trainer.from_pretrained=" + (folder / "a/model_best.pth").string());
    EXPECT_EQ(r.status, 0) << r.err;
    const std::string rows = bytes_of_file(folder / name / "metrics.csv");
    const std::size_t at = rows.find(",val,");
    return std::stod(rows.substr(at + 5));  // the loss
  };
  EXPECT_NEAR(validated("b", "1"), validated("c", "2"), 1e-4);
}

TEST_F(train, its_weights_are_converted) {
  ASSERT_EQ(run(tiny("a")).status, 0);
  const std::string best = (folder / "a/model_best.pth").string(), to = (folder / "w").string();
  const auto convert = [&](const std::string& from, const std::string& name, const std::string& more = "") {
    return run("model=convtasnet_tiny convert.from=" + from + " convert.to=" + to + name + " " + more, "", "convert");
  };
  ASSERT_EQ(convert(best, ".safetensors").status, 0) << bytes_of_file(folder / "stderr");
  ASSERT_EQ(convert(to + ".safetensors", "1.pth", "convert.layout=asteroid").status, 0) << bytes_of_file(folder / "stderr");
  ASSERT_EQ(convert(to + "1.pth", "2.safetensors").status, 0) << bytes_of_file(folder / "stderr");
  EXPECT_EQ(bytes_of_file(to + ".safetensors"), bytes_of_file(to + "2.safetensors"));
  EXPECT_LT(fs::file_size(to + ".safetensors"), fs::file_size(best) / 2);
  const auto refused = [](const outcome& r, const char* why) {
    EXPECT_EQ(r.status, 1);
    EXPECT_NE(r.err.find(why), std::string::npos) << r.err;
  };
  refused(convert(best, ".safetensors"), "nothing is overwritten");
  refused(convert(best, ".bin"), ".safetensors");
  refused(convert(best, "3.pth", "convert.layout=espnet"), "espnet");
  refused(convert(best, "3.pth", "convert.layout='asteroid (causal)'"), "causal");
  EXPECT_FALSE(fs::exists(to + "3.pth"));
}

TEST_F(train, killed_and_resumed_equals_uninterrupted) {
  const std::string more = "trainer.epoch_len=60 datasets.train.segment=0.5 ";
  ASSERT_EQ(run(tiny("whole") + more).status, 0);
  const std::string expected = content(folder / "whole/checkpoint-last.pth");
  for (const int pause : {0, 37, 90, 151}) {  // ms after the first checkpoint
    const std::string name = "killed" + std::to_string(pause);
    child_process child = start(tiny(name) + more);
    ASSERT_TRUE(child.runs_until([&] { return fs::exists(folder / name / "checkpoint-last.pth"); }))
        << bytes_of_file(folder / "stderr");
    std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    child.signal(SIGKILL);
    const int status = child.wait();
    EXPECT_TRUE(status == 128 + SIGKILL || status == 0) << bytes_of_file(folder / "stderr");  // 0: it was done already
    const outcome r = run(tiny(name) + more + "trainer.resume_from=checkpoint-last.pth");
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(content(folder / name / "checkpoint-last.pth"), expected) << pause;
    for (const auto& e : fs::directory_iterator(folder / name)) EXPECT_NE(e.path().extension(), ".tmp") << e.path();
  }
}

TEST_F(train, what_a_killed_run_left_half_written_goes_and_nothing_else) {
  ASSERT_EQ(run(tiny("a")).status, 0);
  for (const char* name :
       {".checkpoint-new.pth.1-2.tmp", ".config.yaml.1-2.tmp", ".config-until-step3.yaml.1-2.tmp", ".metrics.csv.1-2.tmp",
        ".metrics.jsonl.1-2.tmp", "checkpoint-previous.pth.tmp", "checkpoint-epoch1.pth.tmp", "model_best.pth.tmp"})
    write_bytes(folder / "a" / name, "half");
  for (const char* name : {"mine.tmp", "mine.pth.tmp", ".mine.tmp"}) write_bytes(folder / "a" / name, "mine");
  ASSERT_EQ(run(tiny("a") + "trainer.resume_from=checkpoint-last.pth").status, 0) << bytes_of_file(folder / "stderr");
  std::vector<std::string> left;
  for (const auto& e : fs::directory_iterator(folder / "a"))
    if (e.path().extension() == ".tmp") left.push_back(e.path().filename());
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, (std::vector<std::string>{".mine.tmp", "mine.pth.tmp", "mine.tmp"}));
}

TEST_F(train, config_yaml_is_of_the_steps_that_are_made) {
  const std::string schedule = "lr_scheduler.epochs=3 ", again = "trainer.resume_from=checkpoint-last.pth ";
  ASSERT_EQ(run(tiny("a") + schedule).status, 0) << bytes_of_file(folder / "stderr");
  const std::string first = bytes_of_file(folder / "a/config.yaml");
  ASSERT_EQ(run(tiny("a") + schedule + again).status, 0) << bytes_of_file(folder / "stderr");
  EXPECT_NE(bytes_of_file(folder / "stdout").find("all 2 epochs are done"), std::string::npos);
  EXPECT_EQ(bytes_of_file(folder / "a/config.yaml"), first);
  EXPECT_FALSE(fs::exists(folder / "a/config-until-step24.yaml"));
  ASSERT_EQ(run(tiny("a") + schedule + again + "trainer.n_epochs=3").status, 0) << bytes_of_file(folder / "stderr");
  EXPECT_NE(bytes_of_file(folder / "stdout").find("epoch 3 done"), std::string::npos);
  EXPECT_NE(bytes_of_file(folder / "a/config.yaml").find("n_epochs: 3\n"), std::string::npos);
  EXPECT_EQ(bytes_of_file(folder / "a/config-until-step24.yaml"), first);
}

TEST_F(train, an_interrupt_saves) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string name = "signal" + std::to_string(signal);
    child_process child = start(tiny(name) + "trainer.epoch_len=100000 trainer.save_steps=0");
    ASSERT_TRUE(child.runs_until([&] { return fs::exists(folder / name / "metrics.csv"); }))
        << bytes_of_file(folder / "stderr");
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    child.signal(signal);
    EXPECT_EQ(child.wait(), 130) << bytes_of_file(folder / "stderr");
    const checkpoint c = read_checkpoint(folder / name / "checkpoint-last.pth");
    EXPECT_NE(bytes_of_file(folder / "stdout").find("stopped at step " + std::to_string(c.step)), std::string::npos);
  }
}

TEST_F(train, a_full_disk_leaves_the_last_checkpoint) {
  ASSERT_EQ(run(tiny("a")).status, 0);
  const std::string before = bytes_of_file(folder / "a/checkpoint-last.pth");
  const outcome r = run(tiny("a") + "trainer.n_epochs=3 trainer.resume_from=checkpoint-last.pth", "ulimit -f 16;");
  EXPECT_EQ(r.status, 1);
  const std::size_t first = r.err.find('\n');  // the warning ends there
  ASSERT_LT(first + 1, r.err.size()) << r.err;
  EXPECT_TRUE(says(r.err.substr(0, first), "warning: ", "trainer.n_epochs was 2, is 3"));
  EXPECT_TRUE(says(r.err.substr(first + 1, r.err.size() - first - 2), "checkpoint-new.pth", "cannot be written",
                   "File too large", "another disk"));
  EXPECT_EQ(bytes_of_file(folder / "a/checkpoint-last.pth"), before);
  EXPECT_FALSE(fs::exists(folder / "a/checkpoint-new.pth"));
  // Full from the beginning, the run leaves nothing that is in its way later.
  EXPECT_EQ(run(tiny("b"), "ulimit -f 16;").status, 1);
  EXPECT_EQ(run(tiny("b")).status, 0) << bytes_of_file(folder / "stderr");
}

TEST_F(train, says_what_is_wrong_with_a_configuration) {
  expect_refusal(tiny("x") + "trainer.n_epoch=3", "trainer.n_epoch", "trainer.n_epochs");
  expect_refusal(tiny("x") + "optimizer.momentum=0.9", "optimizer.momentum");
  expect_refusal(tiny("x") + "+optimizer.momentum=0.9", "optimizer.momentum", "torch.optim.AdamW", "betas");
  expect_refusal(tiny("x") + "optimizer._target_=torch.optim.AdmaW", "AdmaW", "AdamW");
  expect_refusal(tiny("x") + "lr_scheduler=two_cycle", "two_cycle", "one_cycle");
  expect_refusal(tiny("x") + "optimizer.lr=0", "optimizer.lr");
  for (const char* key :
       {"optimizer.lr", "lr_scheduler.max_lr", "++lr_scheduler.div_factor", "++lr_scheduler.final_div_factor"})
    for (const char* number : {"0", "-1", "inf", "1e400", "nan"})
      expect_refusal(tiny("x") + key + "=" + number, key + (*key == '+' ? 2 : 0), "finite number above 0");
  expect_refusal(tiny("x") + "++optimizer.weight_decay=inf", "optimizer.weight_decay", "finite number of at least 0");
  for (const char* number : {"1", "-0.1", "nan"})
    expect_refusal(tiny("x") + "trainer.ema_decay=" + number, "trainer.ema_decay", "to below 1");
  expect_refusal(tiny("x") + "lr_scheduler=plateau ++lr_scheduler.min_lr=-1", "lr_scheduler.min_lr", "at least 0");
  expect_refusal(tiny("x") + "lr_scheduler=step ++lr_scheduler.gamma=inf", "lr_scheduler.gamma", "finite number above 0");
  expect_refusal(tiny("x") + "trainer.n_epochs=0", "trainer.n_epochs");
  expect_refusal(tiny("x") + "trainer.n_epochs=9000000000000000000", "trainer.n_epochs");
  expect_refusal(tiny("x") + "dataloader.num_workers=4294967297", "dataloader.num_workers");
  expect_refusal(tiny("x") + "dataloader.batch_size=2000000", "dataloader.batch_size", "MiB");
  EXPECT_EQ(bytes_of_file(folder / "stdout"), "");  // no line that breaks off
  expect_refusal(tiny("x") + "dataloader.batch_size=1000000000000", "dataloader.batch_size");
  expect_refusal(tiny("x") + "trainer.epoch_len=null", "endless", "trainer.epoch_len");
  expect_refusal(tiny("x") + "trainer.epoch_len=null datasets.train.limit=1", "dataloader.batch_size");
  expect_refusal(tiny("x") + "trainer.monitor=val_loss", "max METRIC");
  expect_refusal(tiny("x") + "trainer.device=gpu", "auto", "cpu");
  for (const char* segment : {"-1", "0", "1e-9", "3601", "1e9"})
    expect_refusal(tiny("x") + "datasets.train.segment=" + segment, "datasets.train.segment", "seconds from 0.01 to 3600");
  expect_refusal(tiny("a/b"), "writer.run_name");
  expect_refusal(tiny("x") + "model=convtasnet_paper", "separation only", "convtasnet_small");
  expect_refusal(tiny("x") + "optimizer=sgd optimizer.momentum=0", "momentum");
  EXPECT_FALSE(fs::exists(folder / "x/checkpoint-last.pth"));
}

TEST_F(train, runs_with_every_group) {
  for (const char* groups :
       {"optimizer=adam lr_scheduler=cosine loss_function=si_snr", "optimizer=sgd lr_scheduler=step loss_function=snr",
        "optimizer=adam lr_scheduler=plateau loss_function=pit_snr",
        "lr_scheduler=constant trainer.epoch_len=null datasets.train.limit=8 trainer.accumulate=2",
        "trainer.epoch_len=null datasets.train.limit=8 datasets.val=null trainer.max_grad_norm=null",
        "trainer.ema_decay=0.9 trainer.freeze=[encoder,*.bias]", "trainer.train_only=[decoder]"}) {
    SCOPED_TRACE(groups);
    const outcome r = run(tiny("run") + groups);
    EXPECT_EQ(r.status, 0) << r.err;
    fs::remove_all(folder / "run");
  }
}

// Recordings of single speakers and data sets, in place of synthetic tones.
class train_on_files : public train {
 protected:
  // speakers/<name>/: two recordings of each
  void record(const std::vector<std::string>& speakers, std::size_t samples = 4000) const {
    std::uint32_t seed = 1;
    for (const std::string& name : speakers)
      for (const char* file : {"a.flac", "b.wav"}) {
        fs::create_directories(folder / "speakers" / name);
        write_audio(folder / "speakers" / name / file, 8000, noise(samples, seed++, 0.3));
      }
  }
  // data/audio/<partition>/{mix,s1,s2}/<k>.wav
  void mix(const std::string& partition, int items, std::size_t samples = 4000) const {
    for (int k = 0; k < items; ++k) {
      auto a = noise(samples, 10 + static_cast<std::uint32_t>(k), 0.3), b = tone(samples, 0.01 * (k + 1), 0.2);
      std::vector<float> sum(a);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
      for (const auto& [part, x] : {std::pair{"mix", &sum}, {"s1", &a}, {"s2", &b}}) {
        const fs::path to = folder / "data/audio" / partition / part;
        fs::create_directories(to);
        write_audio(to / (std::to_string(k) + ".wav"), 8000, *x);
      }
    }
  }
  std::string common(const std::string& name) const {
    return "--threads 1 model=convtasnet_tiny trainer.n_epochs=2 trainer.epoch_len=6 trainer.save_steps=4 trainer.log_step=3 "
           "dataloader.batch_size=2 datasets.train.segment=0.25 trainer.save_period=0 trainer.save_dir=" +
           folder.string() + " writer.run_name=" + name + " ";
  }
  std::string dynamic(const std::string& name) const {
    return common(name) + "datasets=dynamic datasets.train.hold_out=2 datasets.val.limit=3 datasets.train.folders=" +
           (folder / "speakers").string() + " ";
  }
  std::string fixed(const std::string& name) const {
    return common(name) + "datasets=train datasets.train.dataset_path=" + (folder / "data").string() + " ";
  }
};

TEST_F(train_on_files, speakers_are_mixed_and_some_are_held_out) {
  record({"ada", "ben", "cleo", "dan", "eve"});
  const outcome r = run(dynamic("a"));
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("by 3 speakers"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("by 2 speakers"), std::string::npos) << r.out;
  const std::string expected = content(folder / "a/checkpoint-last.pth");
  // Neither the number of loader threads nor where recordings wait changes what is trained on.
  for (const char* more : {"dataloader.num_workers=0", "dataloader.num_workers=3 dataloader.prefetch_factor=5",
                           "datasets.train.in_memory=false", "datasets.train.in_memory=false datasets.train.memory_mb=0"}) {
    SCOPED_TRACE(more);
    fs::remove_all(folder / "b");
    ASSERT_EQ(run(dynamic("b") + more).status, 0) << bytes_of_file(folder / "stderr");
    EXPECT_EQ(content(folder / "b/checkpoint-last.pth"), expected);
  }
  fs::remove_all(folder / "b");
  ASSERT_EQ(run(dynamic("b") + "datasets.train.overlap=[0.2,0.8] datasets.train.speed=[0.9,1.1] "
                               "datasets.train.relative_level=null datasets.train.limit=4")
                .status,
            0)
      << bytes_of_file(folder / "stderr");
  EXPECT_NE(content(folder / "b/checkpoint-last.pth"), expected);
}

TEST_F(train_on_files, stopped_and_resumed_on_mixtures_equals_uninterrupted) {
  mix("train", 5);
  mix("val", 2);
  ASSERT_EQ(run(fixed("whole")).status, 0) << bytes_of_file(folder / "stderr");
  EXPECT_NE(bytes_of_file(folder / "stdout").find("5 mixtures"), std::string::npos);
  ASSERT_EQ(run(fixed("part") + "trainer.n_epochs=1 lr_scheduler.epochs=2").status, 0) << bytes_of_file(folder / "stderr");
  ASSERT_EQ(run(fixed("part") + "trainer.resume_from=checkpoint-last.pth").status, 0) << bytes_of_file(folder / "stderr");
  EXPECT_EQ(content(folder / "part/checkpoint-last.pth"), content(folder / "whole/checkpoint-last.pth"));
}

// Files are read by threads that are there before the tool begins to wait for signals: none of them may take one.
TEST_F(train_on_files, an_interrupt_is_the_main_threads) {
  record({"ada", "ben", "cleo", "dan", "eve"});
  std::string arguments = dynamic("a") + "trainer.epoch_len=100000 trainer.save_steps=0";
  arguments.replace(arguments.find("--threads 1"), 11, "--threads 2");
  child_process training = start(arguments);
  ASSERT_TRUE(training.runs_until([&] { return fs::exists(folder / "a/metrics.csv"); })) << bytes_of_file(folder / "stderr");
  training.signal(SIGTERM);
  EXPECT_EQ(training.wait(), 130) << bytes_of_file(folder / "stderr");
  EXPECT_NE(bytes_of_file(folder / "stdout").find("stopped at step"), std::string::npos);

  const fs::path audio = folder / "mixed/audio";
  child_process mixing =
      start("--threads 2 datasets=dynamic mix.items=1000000 mix.sample_rate=8000 datasets.train.hold_out=2 " +
                ("datasets.train.folders=" + (folder / "speakers").string()) +
                " datasets.train.segment=0.25 mix.save_path=" + (folder / "mixed").string(),
            "mix");
  ASSERT_TRUE(mixing.runs_until([&] { return fs::exists(audio) && !fs::is_empty(audio); })) << bytes_of_file(folder / "stderr");
  mixing.signal(SIGTERM);
  EXPECT_EQ(mixing.wait(), 130) << bytes_of_file(folder / "stderr");
  EXPECT_TRUE(fs::is_empty(audio));
}

TEST_F(train_on_files, one_batch_test_and_transforms) {
  mix("val", 12);
  for (const char* more : {"", "transforms=no_transforms"}) {
    SCOPED_TRACE(more);
    fs::remove_all(folder / "a");
    const outcome r =
        run(common("a") + "datasets=onebatchtest datasets.train.dataset_path=" + (folder / "data").string() + " " + more);
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_NE(r.out.find("train: 10 mixtures"), std::string::npos) << r.out;
  }
}

TEST_F(train_on_files, a_data_set_is_mixed_from_recordings) {
  record({"ada", "ben", "cleo", "dan", "eve"});
  const std::string arguments =
      "datasets.train.hold_out=2 datasets.train.segment=0.25 datasets.val.limit=3 mix.save_path=" + (folder / "data").string() +
      " datasets.train.folders=" + (folder / "speakers").string() + " ";
  const outcome held_out = run(arguments + "mix.partition=val", "", "mix");
  ASSERT_EQ(held_out.status, 0) << held_out.err;
  ASSERT_EQ(run(arguments + "mix.partition=train mix.part=train mix.items=4", "", "mix").status, 0);
  EXPECT_EQ(run(fixed("a")).status, 0) << bytes_of_file(folder / "stderr");
  EXPECT_NE(bytes_of_file(folder / "stdout").find("train: 4 mixtures"), std::string::npos);
  const audio_signal sum = read_audio(folder / "data/audio/val/mix/000002.wav"),
                     a = read_audio(folder / "data/audio/val/s1/000002.wav"),
                     b = read_audio(folder / "data/audio/val/s2/000002.wav");
  ASSERT_EQ(sum.samples.size(), 2000u);
  for (std::size_t i = 0; i < sum.samples.size(); ++i) ASSERT_EQ(sum.samples[i], a.samples[i] + b.samples[i]);

  const auto refused = [&](const std::string& more, const char* why) {
    const outcome r = run(arguments + more, "", "mix");
    EXPECT_EQ(r.status, 1) << more;
    EXPECT_NE(r.err.find(why), std::string::npos) << r.err;
  };
  refused("mix.partition=val", "nothing of it is overwritten");
  refused("mix.partition=a/b", "mix.partition");
  refused("mix.part=train", "mix.items");
  refused("mix.partition=more mix.items=1000001", "mix.items");
  const outcome again =
      run("datasets=train transforms=no_transforms mix.items=4 mix.partition=more datasets.train.segment=0.25 "
          "mix.save_path=" +
              (folder / "data").string() + " datasets.train.dataset_path=" + (folder / "data").string(),
          "", "mix");
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("3 at most"), std::string::npos) << again.err;
  const std::size_t before = count_files();
  EXPECT_EQ(run(arguments + "mix.partition=full mix.items=100000", "ulimit -f 4;", "mix").status, 1);
  EXPECT_LE(count_files(), before);
}

TEST_F(train_on_files, says_what_is_wrong_with_recordings) {
  expect_refusal(common("x") + "datasets=dynamic", "datasets.train.folders", "folder");
  expect_refusal(dynamic("x"), "speakers", "no such folder");
  fs::create_directories(folder / "speakers");
  expect_refusal(dynamic("x"), "holds no audio file");
  record({"ada"});
  expect_refusal(dynamic("x") + "datasets.train.hold_out=0", "found 1", "ada");
  record({"ada", "ben", "cleo", "dan"});
  expect_refusal(dynamic("x") + "datasets.train.hold_out=4", "hold out");
  expect_refusal(dynamic("x") + "datasets.train.hold_out=0", "datasets.val.hold_out", "datasets.train.hold_out=N");
  expect_refusal(dynamic("x") + "datasets.train.hold_out=3", "2 speakers", "found 1");
  expect_refusal(dynamic("x") + "datasets.train.hold_out=1", "datasets.val", "found 1");
  expect_refusal(dynamic("x") + "datasets.train.relative_level=[1000,1000]", "levels", "100");
  expect_refusal(dynamic("x") + "datasets.train.mean_abs_level=[-30,3]", "datasets.train.mean_abs_level",
                 "datasets.train.relative_level=null");
  expect_refusal(dynamic("x") + "datasets.train.memory_mb=17592186044416", "datasets.train.memory_mb");
  expect_refusal(dynamic("x") + "datasets.train.segment=1", "0 of 2 have a recording", "shorter length");
  expect_refusal(dynamic("x") + "datasets.train.speaker=name", "stem:SEPARATOR:N");
  expect_refusal(dynamic("x") + "datasets.train.overlap=1", "datasets.train.overlap");
  expect_refusal(dynamic("x") + "datasets.train.overlap=[0.1,0.2,0.3]", "datasets.train.overlap", "lowest");
  expect_refusal(dynamic("x") + "datasets.train.except=[zoe]", "zoe");
  expect_refusal(dynamic("x") + "datasets.val.limit=null", "datasets.val.limit");
  expect_refusal(dynamic("x") + "datasets.train.memory_mb=0", "bytes of memory", "on demand");
  std::ofstream(folder / "speakers/ada/broken.wav") << "RIFF";
  expect_refusal(dynamic("x"), "broken.wav");
  EXPECT_EQ(run(dynamic("x") + "datasets.train.skip_unreadable=true").status, 0) << bytes_of_file(folder / "stderr");
}

TEST_F(train_on_files, says_what_is_wrong_with_a_data_set) {
  expect_refusal(fixed("x"), "data", "no such folder");
  mix("train", 3);
  expect_refusal(fixed("x"), "no partition \"val\"", "train");
  mix("val", 2);
  fs::remove(folder / "data/audio/train/s2/1.wav");
  expect_refusal(fixed("x"), "do not match", "1");
  mix("train", 3);
  expect_refusal(fixed("x") + "datasets.train.segment=2", "shorter length");
  expect_refusal(fixed("x") + "datasets.train.target_sr=16000", "8000", "16000");
  expect_refusal(fixed("x") + "datasets.train.max_audio_length=0.1", "longer than 0.1");
  expect_refusal(fixed("x") + "+datasets.train.segmnt=2", "segmnt", "segment");
  expect_refusal(fixed("x") +
                     "model=convtasnet_tiny "
                     "'datasets.train.instance_transforms={whole_item: {_target_: Compose, transforms: "
                     "[{_target_: RandomBackgroundNoises}]}}'",
                 "RandomBackgroundNoises", "did you mean", "RandomBackgroundNoise");
  EXPECT_FALSE(fs::exists(folder / "x/checkpoint-last.pth"));
}

}  // namespace
}  // namespace avss
