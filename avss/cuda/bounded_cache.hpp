// A cache of a bounded number of values, of which the least recently used goes first.
#pragma once

#include <avss/core/error.hpp>
#include <cstddef>
#include <list>
#include <map>
#include <utility>

namespace avss {

// Not for several threads at once. Keys are ordered by <.
template <class Key, class Value>
class bounded_cache {
 public:
  explicit bounded_cache(std::size_t most) : most_(most) {
    if (most == 0) fail("a cache of no values is asked for; it must hold at least one");
  }

  // The value of a key, made by make() where it is not held. It lasts until the next call. Where make() throws, all stays as
  // it was.
  template <class Make>
  Value& get(const Key& key, Make&& make) {
    if (const auto found = places_.find(key); found != places_.end()) {
      values_.splice(values_.begin(), values_, found->second);
      return values_.front().second;
    }
    values_.emplace_front(key, make());
    try {
      places_.emplace(key, values_.begin());
    } catch (...) {
      values_.pop_front();
      throw;
    }
    if (values_.size() > most_) {
      places_.erase(values_.back().first);
      values_.pop_back();
    }
    return values_.front().second;
  }
  std::size_t size() const { return values_.size(); }
  void clear() {
    places_.clear();
    values_.clear();
  }

 private:
  using list = std::list<std::pair<Key, Value>>;
  std::size_t most_;
  list values_;  // the most recently used first
  std::map<Key, typename list::iterator> places_;
};

}  // namespace avss
