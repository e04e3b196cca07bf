// How far a run over many files is: a bar that is redrawn on a terminal, a line every ten seconds elsewhere.
#pragma once

#include <algorithm>
#include <avss/train/progress.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>
#include <utility>

namespace avss::tools {

// Threads may share it.
class item_progress {
 public:
  using clock = std::chrono::steady_clock;

  // `now` tells the time.
  item_progress(std::ostream& out, bool terminal, std::size_t items, const char* what = "files",
                std::function<clock::time_point()> now = clock::now)
      : out_(out), terminal_(terminal), items_(items), what_(what), now_(std::move(now)), start_(now_()), drawn_(start_) {}
  // The bar is gone before anything else is printed.
  ~item_progress() {
    if (terminal_ && drawn_any_) out_ << "\r\033[K" << std::flush;
  }
  item_progress(const item_progress&) = delete;
  item_progress& operator=(const item_progress&) = delete;

  // After every item.
  void step() {
    const std::lock_guard lock(mutex_);
    ++done_;
    const clock::time_point now = now_();
    const double since = std::chrono::duration<double>(now - drawn_).count();
    if (since < (terminal_ ? 0.2 : 10.)) return;
    drawn_ = now;
    drawn_any_ = true;
    if (terminal_)
      out_ << redrawn(bar_text(count(done_), count(items_)), text(now)) << std::flush;
    else
      out_ << text(now) << std::endl;
  }
  std::size_t done() const {
    const std::lock_guard lock(mutex_);
    return done_;
  }

 private:
  static std::int64_t count(std::size_t n) { return static_cast<std::int64_t>(n); }

  // "120/3000 files  85.3 files/s  0:00:34 left"
  std::string text(clock::time_point now) const {
    const double rate = static_cast<double>(done_) / std::max(std::chrono::duration<double>(now - start_).count(), 1e-9);
    char line[160];
    std::snprintf(line, sizeof line, "%zu/%zu %s  %.1f %s/s  %s left", done_, items_, what_, rate, what_,
                  clock_text(static_cast<double>(items_ - done_) / rate).c_str());
    return line;
  }

  std::ostream& out_;
  bool terminal_;
  std::size_t items_, done_ = 0;
  const char* what_;
  std::function<clock::time_point()> now_;
  clock::time_point start_, drawn_;
  bool drawn_any_ = false;
  mutable std::mutex mutex_;
};

}  // namespace avss::tools
