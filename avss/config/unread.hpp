// Keys that a user added and that nothing reads: likely misspelt ones.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss::config {

// Threads may read at once.
class unread_keys {
 public:
  explicit unread_keys(std::vector<std::string> paths) : paths_(std::move(paths)) {}

  // The key was read, and with it all that is in it, and what it is in: a section that was added counts as read with its first
  // key.
  void read(std::string_view path) {
    const std::lock_guard lock(mutex_);
    std::erase_if(paths_, [&](const std::string& p) { return within(p, path) || within(path, p); });
  }
  // Those that are left, once.
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(paths_, {});
  }

 private:
  static bool within(std::string_view inner, std::string_view outer) {
    return inner.starts_with(outer) &&
           (inner.size() == outer.size() || inner[outer.size()] == '.' || inner[outer.size()] == '[');
  }

  std::mutex mutex_;
  std::vector<std::string> paths_;
};

}  // namespace avss::config
