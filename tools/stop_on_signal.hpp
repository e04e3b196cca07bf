// Stopping in good order at an interrupt.
#pragma once

#include <signal.h>

#include <cstddef>

namespace avss::tools {

// While it lives, the first SIGINT or SIGTERM asks to stop; a second one kills, should a network hang. One at a time.
class stop_on_signal {
 public:
  stop_on_signal() {
    flag = 0;
    for (std::size_t i = 0; i < count; ++i) {
      struct sigaction action {};
      action.sa_handler = [](int) { flag = 1; };
      action.sa_flags = static_cast<int>(SA_RESETHAND);
      ::sigaction(signals[i], nullptr, &old_[i]);
      if (old_[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &action, nullptr);  // nohup stays nohup
    }
  }
  ~stop_on_signal() {
    for (std::size_t i = 0; i < count; ++i) ::sigaction(signals[i], &old_[i], nullptr);
  }
  stop_on_signal(const stop_on_signal&) = delete;
  stop_on_signal& operator=(const stop_on_signal&) = delete;

  static bool requested() { return flag != 0; }

 private:
  static constexpr std::size_t count = 2;
  static constexpr int signals[count] = {SIGINT, SIGTERM};
  static inline volatile sig_atomic_t flag = 0;
  struct sigaction old_[count];
};

}  // namespace avss::tools
