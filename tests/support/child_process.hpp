// A program that runs beside the test, to be watched, interrupted and waited for.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace avss::testing {

// Its status is kept from the moment when its end is first seen: a process that is gone is never signalled or waited for again.
class child_process {
 public:
  // words[0] is the program's path. Its output goes to the files.
  child_process(std::vector<std::string> words, const std::filesystem::path& out, const std::filesystem::path& err) {
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) fail(words[0], ": cannot be started");
    if (pid_ > 0) return;
    // A test that runs in the background, or under nohup, hands on that interrupts are ignored.
    for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::signal(s, SIG_DFL);
    if (!std::freopen(out.c_str(), "w", stdout) || !std::freopen(err.c_str(), "w", stderr)) ::_exit(126);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    signal(SIGKILL);
    look(0);
  }

  bool running() { return !look(WNOHANG); }

  // Looks every millisecond until `seen()`. False where the program ended without.
  template <class F>
  bool runs_until(F&& seen) {
    while (!seen()) {
      if (!running()) return seen();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  // Nothing where it has ended.
  void signal(int number) {
    if (running()) ::kill(pid_, number);
  }

  // As a shell has it: the exit status, or 128 and the signal.
  int wait() {
    if (!look(0)) fail("the process ", pid_, " cannot be waited for");
    return WIFEXITED(*ended_) ? WEXITSTATUS(*ended_) : 128 + WTERMSIG(*ended_);
  }

 private:
  // Whether it has ended.
  bool look(int flags) {
    int status = 0;
    if (!ended_ && ::waitpid(pid_, &status, flags) == pid_) ended_ = status;
    return ended_.has_value();
  }

  pid_t pid_;
  std::optional<int> ended_;  // as waitpid gives it
};

}  // namespace avss::testing
