// Where a training run stands, for people: a bar that is redrawn on a terminal, plain lines elsewhere.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>

namespace avss {

// "1:02:03"
inline std::string clock_text(double seconds) {
  const long long s = static_cast<long long>(std::max(0., seconds) + 0.5);
  char text[48];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return text;
}

// "[######------------------]", as wide for any numbers.
inline std::string bar_text(std::int64_t done, std::int64_t of) {
  constexpr std::int64_t width = 24;
  const std::int64_t full = std::clamp<std::int64_t>(done * width / std::max<std::int64_t>(of, 1), 0, width);
  return "[" + std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(width - full), '-') +
         "]";
}

// Of the terminal that standard output or standard error is; 0: not known.
inline std::size_t terminal_columns() {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO})
    if (struct winsize size{}; ::isatty(fd) && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 0;
}

// What a terminal's line is redrawn with: the bar and the text if both fit, else as much of the text as fits. A line that is
// longer than the terminal is wide would leave its beginning behind every time. The last column stays free: some terminals wrap
// when it is filled.
inline std::string redrawn(const std::string& bar, const std::string& text, std::size_t columns = terminal_columns()) {
  const std::string whole = bar + ' ' + text;
  return '\r' + (columns == 0 || whole.size() < columns ? whole : text.substr(0, columns - 1)) + "\033[K";
}

class progress {
 public:
  struct point {
    std::int64_t epoch, n_epochs, step, epoch_len;  // counted from 1
    double loss, lr;
    std::int64_t skipped;
    std::int64_t steps_left;  // of the whole run
  };

  progress(std::ostream& out, bool terminal) : out_(out), terminal_(terminal), start_(now()), mark_(start_), drawn_(start_) {}

  // After every step; `items` were trained on in it.
  void step(std::int64_t items, const point& p) {
    ++steps_, items_ += items;
    if (!terminal_ || seconds(drawn_) < 0.2) return;
    drawn_ = now();
    out_ << redrawn(bar_text(p.step, p.epoch_len), text(p, rate())) << std::flush;
  }

  // body(), which makes a batch or waits for one: training stands still meanwhile.
  template <class Body>
  void wait(Body&& body) {
    const clock::time_point before = now();
    body();
    waited_ += seconds(before);
  }

  struct speed {
    double items;    // per second
    double waiting;  // the share of the time that was spent in wait()
  };
  // A line that stays. Returns the speed since the last one.
  speed log(const point& p) {
    const speed s{rate(), std::min(1., waited_ / std::max(seconds(mark_), 1e-9))};
    line(text(p, s.items) + waiting_text(s.waiting));
    restart_rate();
    return s;
  }
  void line(const std::string& what) { out_ << (terminal_ ? "\r\033[K" : "") << what << std::endl; }
  // Time that was not spent on training steps, from here on.
  void restart_rate() { mark_ = now(), items_ = 0, waited_ = 0; }

 private:
  using clock = std::chrono::steady_clock;
  static clock::time_point now() { return clock::now(); }
  static double seconds(clock::time_point since) { return std::chrono::duration<double>(now() - since).count(); }
  double rate() const { return static_cast<double>(items_) / std::max(seconds(mark_), 1e-9); }

  // Worth a word where faster data would make faster training.
  static std::string waiting_text(double share) {
    return share < 0.1 ? "" : "  " + std::to_string(std::lround(100 * share)) + "% waiting for data";
  }

  std::string text(const point& p, double rate) const {
    const double left =
        seconds(start_) / static_cast<double>(std::max<std::int64_t>(steps_, 1)) * static_cast<double>(p.steps_left);
    char line[200];
    std::snprintf(line, sizeof line, "epoch %lld/%lld  step %lld/%lld  loss %.4f  lr %.3g  %.1f items/s  %s left",
                  static_cast<long long>(p.epoch), static_cast<long long>(p.n_epochs), static_cast<long long>(p.step),
                  static_cast<long long>(p.epoch_len), p.loss, p.lr, rate, clock_text(left).c_str());
    return line + (p.skipped > 0 ? "  " + std::to_string(p.skipped) + " steps skipped" : std::string());
  }

  std::ostream& out_;
  bool terminal_;
  clock::time_point start_, mark_, drawn_;
  std::int64_t steps_ = 0, items_ = 0;
  double waited_ = 0;  // seconds since mark_
};

}  // namespace avss
