// Stopping in good order at an interrupt.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <initializer_list>

namespace avss::tools {

// While it lives, SIGINT, SIGTERM and SIGHUP are not delivered but wait until requested() asks for them; threads that are
// started meanwhile inherit that. No handler ever runs: oneDNN's generated matrix products keep data below the stack pointer,
// which a handler's frame would overwrite. Make it before the first computation, one at a time. SIGQUIT ends the program at
// once.
class stop_on_signal {
 public:
  stop_on_signal() {
    flag = false;
    sigemptyset(&waiting);
    for (int s : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction now {};
      ::sigaction(s, nullptr, &now);
      if (now.sa_handler != SIG_IGN) sigaddset(&waiting, s);  // nohup stays nohup
    }
    pthread_sigmask(SIG_BLOCK, &waiting, &before_);
  }
  ~stop_on_signal() {
    while (take()) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  stop_on_signal(const stop_on_signal&) = delete;
  stop_on_signal& operator=(const stop_on_signal&) = delete;

  // Threads may ask at once.
  static bool requested() {
    if (!flag && take()) flag = true;
    return flag;
  }

 private:
  static bool take() {
    const timespec at_once{};
    return sigtimedwait(&waiting, nullptr, &at_once) > 0;
  }

  static inline std::atomic<bool> flag = false;
  static inline sigset_t waiting;
  sigset_t before_;
};

// What a run throws to end in good order.
struct stopped {};
inline void check_stop() {
  if (stop_on_signal::requested()) throw stopped();
}

}  // namespace avss::tools
