// The log of a run: every line that a tool prints, with the time, as "[2024-01-01 10:00:00,123][train][INFO] - line".
#pragma once

#include <avss/core/error.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <mutex>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace avss::config {

// "2024-01-01 10:00:00,123", local time.
inline std::string log_time() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto since = now.time_since_epoch();
  const int thousandths = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[64];
  const std::size_t n = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
  std::snprintf(text + n, sizeof(text) - n, ",%03d", thousandths);
  return text;
}

// While it lives, what goes to the two streams goes on as before, and each whole line to the file, too. A line that is
// begun anew by '\r' (a progress on a terminal) is not kept. Threads may print at once.
class run_log {
 public:
  run_log(const std::string& path, std::string name, std::ostream& out, std::ostream& err)
      : file_(path, std::ios::app), path_(path), name_(std::move(name)), out_(out, *this, "INFO"), err_(err, *this, "ERROR") {
    if (!file_) fail(path, ": this log cannot be written; hydra/job_logging=disabled does without");
  }
  run_log(const run_log&) = delete;
  run_log& operator=(const run_log&) = delete;

  void write(const char* level, std::string_view line) {
    const std::lock_guard lock(mutex_);
    file_ << '[' << log_time() << "][" << name_ << "][" << level << "] - " << line << '\n' << std::flush;
  }

 private:
  class branch : public std::streambuf {
   public:
    branch(std::ostream& stream, run_log& log, const char* level)
        : stream_(stream), before_(stream.rdbuf(this)), log_(log), level_(level) {}
    branch(const branch&) = delete;
    branch& operator=(const branch&) = delete;
    ~branch() override {
      if (!line_.empty()) log_.write(level_, line_);
      const std::ios::iostate state = stream_.rdstate();
      stream_.rdbuf(before_);
      stream_.clear(state);
    }

   protected:
    int_type overflow(int_type c) override {
      if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
      const char one = traits_type::to_char_type(c);
      keep({&one, 1});
      return before_->sputc(one);
    }
    std::streamsize xsputn(const char* s, std::streamsize n) override {
      keep({s, static_cast<std::size_t>(n)});
      return before_->sputn(s, n);
    }
    int sync() override { return before_->pubsync(); }

   private:
    void keep(std::string_view text) {
      const std::lock_guard lock(mutex_);
      for (const char c : text) {
        if (c == '\n') {
          log_.write(level_, line_);
          line_.clear();
        } else if (c == '\r') {
          line_.clear();
        } else {
          line_ += c;
        }
      }
    }

    std::ostream& stream_;
    std::streambuf* before_;
    run_log& log_;
    const char* level_;
    std::string line_;
    std::mutex mutex_;
  };

  std::ofstream file_;
  std::string path_, name_;
  std::mutex mutex_;
  branch out_, err_;  // last: they write when they end
};

}  // namespace avss::config
