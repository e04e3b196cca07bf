// //tools:train under mpirun; built with --config=mpi, skipped where mpirun is missing.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <avss/io/audio.hpp>
#include <avss/train/checkpoint.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/compare.hpp"
#include "tests/tools/train_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

constexpr const char* mpirun = "/usr/bin/mpirun";

class train_mpi : public train_in_folder {
 protected:
  void SetUp() override {
    train_in_folder::SetUp();
    if (!fs::exists(mpirun)) GTEST_SKIP() << "no " << mpirun << ": apt-get install openmpi-bin";
    // As root, more processes than cores, and no agent for other machines.
    for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"}) ::setenv(name, "1", 1);
    ::setenv("OMPI_MCA_plm_rsh_agent", "", 1);
    ::setenv("OMPI_MCA_odls_base_sigkill_timeout", "3", 1);
  }

  static std::string with(int processes) {
    return std::string(mpirun) + " --oversubscribe --bind-to none -n " + std::to_string(processes);
  }
  std::string heard(const std::string& name, int epochs = 2, const std::string& data = "synthetic") const {
    return "--threads 1 model=convtasnet_tiny datasets=" + data + " trainer.n_epochs=" + std::to_string(epochs) +
           " trainer.epoch_len=6 trainer.save_steps=5 trainer.log_step=2 dataloader.batch_size=4 datasets.train.segment=0.1 "
           "datasets.val.segment=0.1 datasets.val.limit=5 trainer.save_period=0 lr_scheduler=constant trainer.save_dir=" +
           folder.string() + " writer.run_name=" + name + " ";
  }
  child_process start(int processes, const std::string& arguments) const {
    std::istringstream in(with(processes) + " ./tools/train " + arguments);
    std::vector<std::string> words;
    for (std::string w; in >> w;) words.push_back(w);
    return child_process(std::move(words), folder / "stdout", folder / "stderr");
  }
  // One process and several must do the same: the weights, the log but for the speed, and the files.
  void expect_same(const std::string& arguments, const std::string& name) {
    SCOPED_TRACE(name);
    const auto named = [&](int n) { return name + std::to_string(n); };
    const outcome one = run(arguments + "writer.run_name=" + named(1));
    ASSERT_EQ(one.status, 0) << one.err;
    for (const int n : {2, 4}) {
      const outcome r = run(arguments + "writer.run_name=" + named(n), with(n));
      ASSERT_EQ(r.status, 0) << r.err;
      test::expect_close(weights(named(n)), weights(named(1)), 1e-6, named(n));
      expect_same_log(named(1), named(n));
      // One speaks, and one writes.
      const std::size_t done = r.out.find("epoch 2 done");
      EXPECT_NE(done, std::string::npos) << r.out;
      EXPECT_EQ(r.out.find("epoch 2 done", done + 1), std::string::npos) << r.out;
      EXPECT_NE(r.out.find("in each of " + std::to_string(n) + " processes"), std::string::npos) << r.out;
      EXPECT_EQ(kinds_of_files(named(n)), kinds_of_files(named(1)));
      std::printf("%s: weights differ by %.2g\n", named(n).c_str(),
                  test::relative_difference(weights(named(n)), weights(named(1))));
    }
  }
  void expect_same_log(const std::string& one, const std::string& several) const {
    const std::vector<double> x = numbers_of(one), y = numbers_of(several);
    ASSERT_GT(x.size(), 10U);
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 1e-5 * std::max(1.0, std::abs(x[i]))) << "number " << i;
  }
  // Of metrics.csv, the column of the speed left out.
  std::vector<double> numbers_of(const std::string& name) const {
    std::ifstream in(folder / name / "metrics.csv");
    std::vector<double> all;
    std::vector<std::string> columns;
    for (std::string line, field; std::getline(in, line);) {
      std::istringstream fields(line);
      for (std::size_t i = 0; std::getline(fields, field, ','); ++i) {
        if (all.empty() && columns.size() == i) columns.push_back(field);
        double x = 0;
        if (columns.at(i) != "items_per_second" &&
            std::from_chars(field.data(), field.data() + field.size(), x).ec == std::errc())
          all.push_back(x);
      }
    }
    return all;
  }
  // The names of event files end with times.
  std::vector<std::string> kinds_of_files(const std::string& name) const {
    std::vector<std::string> all = files_in(folder / name);
    for (std::string& f : all) f = f.substr(0, f.find("tfevents") + 1);
    return all;
  }
  std::vector<double> weights(const std::string& name) const {
    std::vector<double> all;
    for (const named_tensor& t : read_checkpoint(folder / name / last_checkpoint).weights.entries)
      for (double v : t.value.values<double>()) all.push_back(v);
    return all;
  }

  // Processes whose command line names the run, mpirun's own aside.
  static std::vector<pid_t> workers_of(const std::string& run) {
    std::vector<pid_t> found;
    std::error_code code;
    for (const fs::directory_entry& e : fs::directory_iterator("/proc", code)) {
      const std::string id = e.path().filename().string();
      if (id.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream in(e.path() / "cmdline", std::ios::binary);
      const std::string line{std::istreambuf_iterator<char>(in), {}};
      if (line.starts_with("./tools/train") && line.find("writer.run_name=" + run) != std::string::npos)
        found.push_back(std::stoi(id));
    }
    return found;
  }
  // What mpirun told a process of its place among the others.
  static std::string rank_of(pid_t p) {
    std::ifstream in("/proc/" + std::to_string(p) + "/environ", std::ios::binary);
    const std::string_view key = "OMPI_COMM_WORLD_RANK=";
    for (std::string entry; std::getline(in, entry, '\0');)
      if (entry.starts_with(key)) return entry.substr(key.size());
    return "";
  }
};

TEST_F(train_mpi, processes_that_hear_do_what_one_does) {
  // Voices of five people mixed anew, in noise, with a loss of two parts; two of them are held out.
  for (std::uint32_t k = 0; k < 10; ++k) {
    const fs::path person = folder / "speakers" / std::to_string(k / 2);
    fs::create_directories(person);
    write_audio(person / (std::to_string(k) + ".wav"), 8000, noise(4000, k, 0.3));
  }
  const std::string noisy =
      "'transforms.instance_transforms.train={whole_item: {_target_: Compose, transforms: [{_target_: avss.AddColoredNoise, "
      "snr_db: [10, 30], exponent: [-2, 2], p: 0.5}]}}' ";
  expect_same(heard("", 2, "dynamic") + "datasets.train.hold_out=2 datasets.train.folders=" + (folder / "speakers").string() +
                  " loss_function=mix trainer.ema_decay=0.9 " + noisy,
              "anew");
  expect_same(heard("", 2) + "loss_function=mix trainer.accumulate=2 trainer.examples_to_log_on_val=3 ", "tones");
}

TEST_F(train_mpi, processes_that_see_do_what_one_does) {
  // Dropout and BatchNorm. SGD, for Adam makes of gradients that are rounding alone steps as large as any, and a seed of which
  // no value lies so near to an activation's kink that rounding decides on which side.
  expect_same(
      "--threads 1 -cn=train_rtfsnet_pit model=rtfsnet_tiny datasets=synthetic trainer.n_epochs=2 trainer.epoch_len=3 "
      "trainer.log_step=2 dataloader.batch_size=4 datasets.train.segment=0.24 datasets.val.segment=0.24 "
      "datasets.val.limit=5 trainer.save_period=0 trainer.seed=2 loss_function=pit_snr optimizer=sgd "
      "optimizer.lr=1e-3 lr_scheduler=constant trainer.save_dir=" +
          folder.string() + " ",
      "faces");
}

TEST_F(train_mpi, what_is_wrong_is_said_once_and_ends_all) {
  const outcome r = run(heard("a") + "dataloader.batch_size=3", with(2));
  EXPECT_EQ(r.status, 1);
  const std::size_t said = r.err.find("train: dataloader.batch_size=3: 2 processes");
  EXPECT_NE(said, std::string::npos) << r.err;
  EXPECT_EQ(r.err.find("dataloader.batch_size=3", said + 10), std::string::npos) << r.err;
  EXPECT_FALSE(fs::exists(folder / "a"));
}

TEST_F(train_mpi, a_killed_process_ends_all_and_the_run_goes_on_from_its_checkpoint) {
  // Of this test's own name: the process is looked for by it.
  const std::string name = "killed" + std::to_string(::getpid());
  child_process all = start(4, heard(name, 100000));
  ASSERT_TRUE(all.runs_until([&] { return fs::exists(folder / name / previous_checkpoint); }))
      << bytes_of_file(folder / "stderr");
  const std::vector<pid_t> found = workers_of(name);
  ASSERT_EQ(found.size(), 4U);
  ASSERT_EQ(::kill(found[2], SIGKILL), 0);
  EXPECT_EQ(all.wait(), 137);
  const std::string err = bytes_of_file(folder / "stderr");
  EXPECT_NE(err.find("signal 9 (Killed)"), std::string::npos) << err;
  for (int i = 0; i < 1000 && !workers_of(name).empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(workers_of(name).empty());
  const checkpoint c = read_checkpoint(folder / name / last_checkpoint);
  ASSERT_GT(c.step, 0);
  // Some epochs more.
  const int epochs = static_cast<int>(c.step / 6) + 2;
  const outcome r = run(heard(name, epochs) + "trainer.resume_from=checkpoint-last.pth", with(2));
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(read_checkpoint(folder / name / last_checkpoint).step, 6 * epochs);
  ASSERT_EQ(run(heard("whole", epochs)).status, 0);
  EXPECT_LT(test::relative_difference(weights(name), weights("whole")), 1e-4) << epochs << " epochs";
}

TEST_F(train_mpi, a_signal_stops_all_at_one_step) {
  // To the second process alone: the first one, which speaks and writes, must hear of it.
  const std::string name = "stopped" + std::to_string(::getpid());
  child_process all = start(2, heard(name, 100000));
  ASSERT_TRUE(all.runs_until([&] { return fs::exists(folder / name / previous_checkpoint); }));
  std::vector<pid_t> found = workers_of(name);
  ASSERT_EQ(found.size(), 2U);
  std::erase_if(found, [](pid_t p) { return rank_of(p) != "1"; });
  ASSERT_EQ(found.size(), 1U);
  ASSERT_EQ(::kill(found[0], SIGTERM), 0);
  EXPECT_EQ(all.wait(), 130);
  const std::string out = bytes_of_file(folder / "stdout");
  EXPECT_NE(out.find("stopped at step " + std::to_string(read_checkpoint(folder / name / last_checkpoint).step)),
            std::string::npos)
      << out << bytes_of_file(folder / "stderr");
}

TEST_F(train_mpi, a_signal_to_mpirun_leaves_a_run_that_goes_on) {
  // What mpirun still hands on of what the processes say by then is its own affair.
  const std::string name = "ended" + std::to_string(::getpid());
  child_process all = start(2, heard(name, 100000));
  ASSERT_TRUE(all.runs_until([&] { return fs::exists(folder / name / previous_checkpoint); }));
  all.signal(SIGTERM);
  EXPECT_NE(all.wait(), 0);
  for (int i = 0; i < 1000 && !workers_of(name).empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(workers_of(name).empty());
  const std::int64_t step = read_checkpoint(folder / name / last_checkpoint).step;
  const int epochs = static_cast<int>(step / 6) + 1;
  const outcome r = run(heard(name, epochs) + "trainer.resume_from=checkpoint-last.pth", with(2));
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(read_checkpoint(folder / name / last_checkpoint).step, 6 * epochs);
}

}  // namespace
}  // namespace avss
