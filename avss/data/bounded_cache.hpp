// What was used last, within a number of bytes.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace avss {

// Values by number; Kept has bytes(). May be used by several threads at once.
template <class Kept>
class bounded_cache {
 public:
  explicit bounded_cache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // The value of that number; load() makes it, outside the lock, if it is not there. Two threads that ask for the same one at
  // the same time may both load it.
  template <class Load>
  std::shared_ptr<const Kept> get(std::size_t number, Load&& load) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = places_.find(number); found != places_.end()) {
        order_.splice(order_.begin(), order_, found->second);
        return order_.front().second;
      }
    }
    auto made = std::make_shared<const Kept>(load());
    const std::lock_guard lock(mutex_);
    if (made->bytes() <= max_bytes_ && !places_.contains(number)) {
      order_.emplace_front(number, made);
      places_[number] = order_.begin();
      for (bytes_ += made->bytes(); bytes_ > max_bytes_; order_.pop_back()) {
        bytes_ -= order_.back().second->bytes();
        places_.erase(order_.back().first);
      }
    }
    return made;
  }

  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  using entry = std::pair<std::size_t, std::shared_ptr<const Kept>>;

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<entry> order_;  // used last first
  std::unordered_map<std::size_t, typename std::list<entry>::iterator> places_;
  std::size_t bytes_ = 0;
};

}  // namespace avss
