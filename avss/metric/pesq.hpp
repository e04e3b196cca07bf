// PESQ (ITU-T P.862), measured by a program or a Python module that the user has installed: its reference code may not be
// passed on, and the standard defines the measure by that code.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/audio.hpp>
#include <avss/metric/ratio.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

extern char** environ;

namespace avss {

// What stands for the Python module "pesq" (pip install pesq): narrow band at 8 kHz, wide band at 16 kHz. 127 says, as a shell
// does, that there is no such thing.
inline constexpr const char* pesq_module = R"(python3 -c '
import sys
try:
    import numpy
    from pesq import pesq
except ImportError as e:
    sys.exit(print(e, file=sys.stderr) or 127)
def samples(path):
    data = open(path, "rb").read()
    at = data.index(b"data")
    return numpy.frombuffer(data, "<f4", int.from_bytes(data[at + 4:at + 8], "little") // 4, at + 8)
rate = int(sys.argv[1])
print(pesq(rate, samples(sys.argv[2]), samples(sys.argv[3]), "nb" if rate == 8000 else "wb"))
')";

// Runs COMMAND RATE TARGET ESTIMATE in a shell for each pair of signals: RATE is 8000 or 16000, TARGET and ESTIMATE are wav
// files of one channel of 32-bit floats. It ends with status 0, and the last line that it prints is the score, a number from -1
// to 5; status 127 means that it is not installed. A program that takes too long is killed with all that it started. Several
// threads may measure at once.
class pesq_program {
 public:
  // `while_waiting` is asked again and again; where it throws, the program is ended and measure() throws the same.
  explicit pesq_program(std::string command = pesq_module, double seconds = 60, std::function<void()> while_waiting = {})
      : command_(std::move(command)), seconds_(seconds), while_waiting_(std::move(while_waiting)) {
    if (command_.empty()) fail("PESQ: the command is empty; expected a program, called with RATE TARGET.wav ESTIMATE.wav");
    if (!(seconds > 0)) fail("PESQ: expected a time limit of more than 0 s, found ", seconds);
  }

  // NaN, with status no_score or not_installed, where the program gives no score; see trouble(). Silent signals and signals
  // of no samples are not given to it. Throws error for signals of unequal length, and where no files can be written.
  ratio measure(std::span<const float> estimate, std::span<const float> target, int rate) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (estimate.size() != target.size())
      fail("an estimate of ", estimate.size(), " samples cannot be measured against a target of ", target.size(),
           "; make them equally long");
    if (target.empty()) return {};
    const auto finite = [](std::span<const float> x) {
      return std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); });
    };
    const auto silent = [](std::span<const float> x) {
      return std::all_of(x.begin(), x.end(), [&](float v) { return v == x[0]; });
    };
    if (!finite(estimate) || !finite(target)) return {nan, ratio_status::not_finite};
    if (silent(target)) return {nan, ratio_status::silent_target};
    if (silent(estimate)) return {nan, ratio_status::silent_estimate};
    if (rate != 8000 && rate != 16000) return give_up("it is defined at 8000 and 16000 Hz, not at " + std::to_string(rate));
    if (absent()) return {nan, ratio_status::not_installed};
    if (hangs()) return {nan, ratio_status::no_score};
    return run(estimate, target, rate);
  }

  // The program is not installed: measured values are missing because of that alone.
  bool absent() const {
    const std::lock_guard guard(lock_);
    return absent_;
  }
  // Why the first pair that has no score has none, on one line; "" where all have one.
  std::string trouble() const {
    const std::lock_guard guard(lock_);
    return trouble_;
  }

 private:
  // Gone with all in it.
  class scratch_folder {
   public:
    scratch_folder() {
      std::string name = (std::filesystem::temp_directory_path() / "avss-pesq-XXXXXX").string();
      if (!::mkdtemp(name.data())) fail(name, ": no folder can be made here; set TMPDIR to a folder that can be written");
      path_ = name;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path_, ignored);
    }
    std::string file(const char* name) const { return (path_ / name).string(); }

   private:
    std::filesystem::path path_;
  };

  ratio give_up(const std::string& why, bool absent = false) {
    const std::lock_guard guard(lock_);
    absent_ = absent_ || absent;
    if (trouble_.empty()) trouble_ = one_line(why);
    return {std::numeric_limits<double>::quiet_NaN(), absent ? ratio_status::not_installed : ratio_status::no_score};
  }

  ratio run(std::span<const float> estimate, std::span<const float> target, int rate) {
    const scratch_folder folder;
    const std::string target_file = folder.file("target.wav"), estimate_file = folder.file("estimate.wav");
    write_audio(target_file, rate, target);
    write_audio(estimate_file, rate, estimate);
    const std::string out = folder.file("out"), err = folder.file("err");
    // What it prints is bounded: 512-byte blocks.
    const std::string script = "ulimit -f 2048; " + command_ + " \"$@\"";
    const int status =
        wait_for(start({"/bin/sh", "-c", script, "pesq", std::to_string(rate), target_file, estimate_file}, out, err));
    const std::string said = last_line(err);
    const std::string because = said.empty() ? "" : ": " + said;
    count_slow(status == timed_out);
    if (status == timed_out)
      return give_up(joined("the program took longer than ", seconds_, " s and was ended", "; after ", most_slow,
                            " such calls in a row it is not called again"));
    if (status == 127)
      return give_up("the program is not installed" + because + "; run pip install pesq numpy, or name another program", true);
    if (status != 0) return give_up("the program ended with status " + std::to_string(status) + because);
    const std::string score = last_line(out);
    double value = 0;
    const auto [end, code] = std::from_chars(score.data(), score.data() + score.size(), value);
    if (code != std::errc{} || end != score.data() + score.size() || !(value >= -1 && value <= 5))
      return give_up("the program printed '" + score + "' where a number from -1 to 5 is expected");
    return {value, ratio_status::measured};
  }

  static pid_t start(std::vector<std::string> words, const std::string& out, const std::string& err) {
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);  // a group of its own, which can be ended whole
    posix_spawnattr_setpgroup(&how, 0);
    pid_t child = -1;
    const int code = ::posix_spawn(&child, argv[0], &files, &how, argv.data(), environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    if (code != 0) fail("PESQ: /bin/sh cannot be started: ", std::strerror(code));
    return child;
  }

  static constexpr int timed_out = -1;
  static constexpr int most_slow = 3;

  bool hangs() const {
    const std::lock_guard guard(lock_);
    return slow_ >= most_slow;
  }
  void count_slow(bool slow) {
    const std::lock_guard guard(lock_);
    slow_ = slow ? slow_ + 1 : slow_ >= most_slow ? slow_ : 0;
  }

  // As a shell has it: the exit status, or 128 and the signal.
  int wait_for(pid_t child) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_);
    for (auto nap = std::chrono::microseconds(200);; nap = std::min(nap * 2, std::chrono::microseconds(20000))) {
      int status = 0;
      const pid_t seen = ::waitpid(child, &status, WNOHANG);
      if (seen == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      if (seen < 0 && errno != EINTR) return 126;
      const auto kill = [&] {
        ::kill(-child, SIGKILL);
        ::waitpid(child, &status, 0);
      };
      if (std::chrono::steady_clock::now() > end) {
        kill();
        return timed_out;
      }
      try {
        if (while_waiting_) while_waiting_();
      } catch (...) {
        kill();
        throw;
      }
      std::this_thread::sleep_for(nap);
    }
  }

  // That holds more than spaces, cut to what a message can bear.
  static std::string last_line(const std::string& path) {
    std::ifstream in(path);
    std::string line, last;
    while (std::getline(in, line)) {
      const std::size_t from = line.find_first_not_of(" \t\r");
      if (from != std::string::npos) last = line.substr(from, line.find_last_not_of(" \t\r") - from + 1);
    }
    return last.substr(0, 200);
  }

  std::string command_;
  double seconds_;
  std::function<void()> while_waiting_;
  mutable std::mutex lock_;
  int slow_ = 0;  // calls in a row that took too long
  bool absent_ = false;
  std::string trouble_;
};

}  // namespace avss
