// Runs that are killed, and files that cannot be written: no checkpoint is lost, and what is resumed ends as if nothing had
// happened.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <thread>

#include "tests/support/faulty_calls.hpp"
#include "tests/train/run_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class crash : public training_run {
 protected:
  // Saves after every second step, beside the epochs', and keeps all names that a checkpoint can have.
  trainer_options options(const std::string& name) const {
    trainer_options o = training_run::options(name);
    o.epoch_len = 4, o.save_steps = 2, o.save_period = 1, o.log_step = 3;
    return o;
  }
  // As a user would: resumed where something can be resumed, otherwise begun again in the same folder.
  trainer_options next(const std::string& name) const {
    trainer_options o = options(name);
    if (fs::exists(o.folder / last_checkpoint) || fs::exists(o.folder / previous_checkpoint)) o.resume_from = last_checkpoint;
    return o;
  }
  // The weights at the end.
  std::string finish(const std::string& name) {
    const auto net = make_tiny({.threads = 1});
    EXPECT_EQ(run(*net, next(name)), 0);
    return weights_of(*net);
  }
  // A process that trains. body(), then it ends.
  template <class Body>
  static pid_t fork_off(Body&& body) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    try {
      body();
    } catch (const std::exception& e) {
      std::fputs(e.what(), stderr);
      ::_exit(1);
    }
    ::_exit(3);
  }
  static int end_of(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void train(const trainer_options& o) {
    const auto net = make_tiny({.threads = 1});
    run(*net, o);
  }
  std::int64_t step_of_last(const std::string& name) const {
    const fs::path last = folder / name / last_checkpoint;
    return fs::exists(last) ? read_checkpoint(last).step : -1;
  }
  void expect_equal(const std::string& name, const std::string& what) {
    EXPECT_EQ(finish(name), whole_) << what;
    EXPECT_EQ(log_of(name), log_of("whole")) << what;
    for (const char* file : {last_checkpoint, previous_checkpoint, best_checkpoint, "checkpoint-epoch1.pth"})
      EXPECT_TRUE(bytes_of_file(folder / name / file) == bytes_of_file(folder / "whole" / file)) << what << ": " << file;
    for (const auto& e : fs::directory_iterator(folder / name))
      EXPECT_FALSE(e.path().filename().string().ends_with(".tmp")) << what << ": " << e.path();
    fs::remove_all(folder / name);
  }

  void SetUp() override {
    training_run::SetUp();
    whole_ = finish("whole");
    const auto net = make_tiny({.threads = 1});
    const faulty_calls count;
    run(*net, options("counted"));
    calls_ = count.calls();
    ASSERT_GT(calls_, 50) << "the calls are not seen";
  }

  std::string whole_;       // the weights of an uninterrupted run
  std::int64_t calls_ = 0;  // that change files, of such a run
};

TEST_F(crash, killed_at_every_call_that_changes_a_file) {
  for (std::int64_t at = 0; at < calls_; ++at) {
    const std::string what = "killed at call " + std::to_string(at);
    const pid_t child = fork_off([&] {
      const faulty_calls faults(fault::end, at);
      train(options("run"));
    });
    ASSERT_EQ(end_of(child), 0) << what;
    expect_equal("run", what);
    if (HasFailure()) return;
  }
}

// 100 times in all, a run again and again until it is at its end.
TEST_F(crash, killed_at_random) {
  std::mt19937 random(7);
  const auto begin = std::chrono::steady_clock::now();
  train(options("timed"));
  const std::chrono::duration<double, std::micro> once = std::chrono::steady_clock::now() - begin;
  int kills = 0;
  for (int tries = 0; kills < 100; ++tries) {
    ASSERT_LT(tries, 2000);
    const pid_t child = fork_off([&] { train(next("run")); });
    std::this_thread::sleep_for(std::uniform_real_distribution<>(0.2, 0.7)(random) * once);
    ::kill(child, SIGKILL);
    const int status = end_of(child);
    if (status == 137) {
      ++kills;
      continue;
    }
    ASSERT_EQ(status, 3);
    expect_equal("run", "after " + std::to_string(kills) + " kills");
    if (HasFailure()) return;
  }
  expect_equal("run", "at the end");
}

TEST_F(crash, every_call_that_changes_a_file_fails_once) {
  struct {
    fault kind;
    int error;
    const char* name;
  } const kinds[] = {{fault::error, ENOSPC, "ENOSPC"},
                     {fault::error, EIO, "EIO"},
                     {fault::short_write, ENOSPC, "a short write"},
                     {fault::torn_error, ENOSPC, "a short write, then ENOSPC"}};
  for (const auto& kind : kinds)
    for (std::int64_t at = 0; at < calls_; ++at) {
      const std::string what = kind.name + (" at call " + std::to_string(at));
      std::int64_t step = 0;
      std::string message;
      {
        const auto net = make_tiny({.threads = 1});
        trainer t(*net, schedule(), data(), options("run"), out, err);
        const faulty_calls faults(kind.kind, at, kind.error);
        message = error_of([&] { EXPECT_EQ(t.run(), 0) << what; });
        step = t.step();
      }
      if (!message.empty()) {
        EXPECT_NE(kind.kind, fault::short_write) << what << ": " << message;
        EXPECT_TRUE(says(message, "/run")) << what << ": " << message;
        EXPECT_GE(step_of_last("run"), step > 2 ? step - 2 : -1) << what;
      }
      expect_equal("run", what);
      if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace avss
