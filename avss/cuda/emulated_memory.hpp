// The emulator's device memory: the host cannot reach it but while a kernel or a copy runs.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <cstddef>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>

namespace avss::emulated {

// Whether this thread captures a graph, and what it did meanwhile that a device does not permit, or null.
struct capture {
  bool now = false;
  const char* spoiled = nullptr;
  static capture& of_thread() {
    static thread_local capture mine;
    return mine;
  }
};

// What this thread has given the device to do, a replayed graph as one, and how often it has waited for it.
struct traffic {
  std::size_t given = 0, waits = 0;
  static traffic& of_thread() {
    static thread_local traffic mine;
    return mine;
  }
};

// All blocks of the process. Each has pages of its own, without rights outside a `device_access`: what a host reads or writes
// there by mistake ends the program, as it does with a device's memory.
class device_memory {
 public:
  static device_memory& all() {
    static device_memory memory;
    return memory;
  }

  // Null where no more than the limit allows is left.
  void* allocate(std::size_t bytes) {
    if (capture::of_thread().now) fail("device memory cannot be taken while a graph is captured");
    const std::lock_guard lock(mutex_);
    if (bytes > limit_ || used_ > limit_ - bytes) return nullptr;
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    if (bytes > std::numeric_limits<std::size_t>::max() - page) return nullptr;
    const std::size_t whole = (bytes + page - 1) / page * page;
    // Where the last was given back, if it fits: addresses come again, as they do on a device.
    void* const base = mmap(freed_, whole, rights(), MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return nullptr;
    // What nobody has written is no number.
    if (mprotect(base, whole, PROT_READ | PROT_WRITE) != 0) fail("the emulator cannot change the rights of ", whole, " bytes");
    std::memset(base, 0xFF, whole);
    if (mprotect(base, whole, rights()) != 0) fail("the emulator cannot change the rights of ", whole, " bytes");
    blocks_[base] = {bytes, whole};
    used_ += bytes;
    return base;
  }
  void release(void* base) {
    if (base && capture::of_thread().now) capture::of_thread().spoiled = "device memory was given back";
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.find(base);
    if (found == blocks_.end()) return;
    used_ -= found->second.asked;
    (void)munmap(base, found->second.whole);
    freed_ = base;
    blocks_.erase(found);
  }

  // How much memory the device has, in bytes.
  void limit(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
  }
  std::size_t total() const {
    const std::lock_guard lock(mutex_);
    return limit_;
  }
  std::size_t free() const {
    const std::lock_guard lock(mutex_);
    return limit_ > used_ ? limit_ - used_ : 0;
  }

  void enter() {
    const std::lock_guard lock(mutex_);
    if (inside_++ == 0) protect();
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--inside_ == 0) protect();
  }

 private:
  struct block {
    std::size_t asked, whole;
  };
  int rights() const { return inside_ > 0 ? PROT_READ | PROT_WRITE : PROT_NONE; }
  void protect() const {
    for (const auto& [base, b] : blocks_)
      if (mprotect(base, b.whole, rights()) != 0)
        fail("the emulator cannot change the rights of ", b.whole, " bytes of memory");
  }

  mutable std::mutex mutex_;
  std::map<void*, block> blocks_;
  std::size_t limit_ = std::numeric_limits<std::size_t>::max(), used_ = 0;
  int inside_ = 0;
  void* freed_ = nullptr;
};

// While one lives, the device is at work: at once, which it is not while a graph is captured.
class device_access {
 public:
  device_access() {
    if (capture::of_thread().now) fail("the host cannot wait for the device while a graph is captured");
    device_memory::all().enter();
  }
  device_access(const device_access&) = delete;
  device_access& operator=(const device_access&) = delete;
  ~device_access() { device_memory::all().leave(); }
};

}  // namespace avss::emulated
