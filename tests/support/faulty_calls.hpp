// System calls that change files, made to fail, or to be the process's last, at a place of the test's choice. A program that
// links this has its own open, write, writev, fsync, rename, link, unlink, remove and mkdir in front of the system's; outside
// of a faulty_calls they are the system's.
#pragma once

#include <cstdint>

namespace avss::testing {

enum class fault {
  none,         // calls are counted
  error,        // the call does nothing and fails
  short_write,  // of writes: half of the bytes are written, which is no error
  torn_error,   // of writes: half of the bytes are written, and the next such call fails; other calls fail
  end,          // the process ends in place of the call, as if it were killed; of a write half of the bytes arrive
};

// While it lives, the call number `at`, counted from 0, meets the fault. One at a time, one thread.
class faulty_calls {
 public:
  explicit faulty_calls(fault kind = fault::none, std::int64_t at = 0, int error = 0);
  faulty_calls(const faulty_calls&) = delete;
  faulty_calls& operator=(const faulty_calls&) = delete;
  ~faulty_calls();

  // Calls so far. The fault has struck once there are more than `at`.
  std::int64_t calls() const;
};

}  // namespace avss::testing
