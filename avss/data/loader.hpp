// Batches made ahead of time by worker threads.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace avss {

struct loader_options {
  dim_t batch_size = 1;
  int workers = 1;   // 0: next() makes the items itself
  int prefetch = 2;  // batches that are made or being made ahead of the one in use
  std::uint64_t first_item = 0;
  std::uint64_t items = 0;  // in all; the last batch may be smaller. 0: endless
  // From the first item of a batch to that of the next, where those between are others' to take; 0: there are none between.
  std::uint64_t stride = 0;
};

// Gives the items first_item, first_item + 1, ... of a source in batches, or those of every stride. What it gives depends on
// the source and on these numbers alone; a run is resumed with first_item = next_item() of the run before. Holds prefetch + 1
// batches with the caller's. next() is for one thread.
class loader {
 public:
  // The source must outlive the loader. Throws error for options that make no sense and if no thread can be started.
  loader(const item_source& source, loader_options options)
      : source_(source), options_(options), first_(options.first_item), taken_(first_) {
    if (options.batch_size < 1) fail("a loader cannot make batches of ", options.batch_size, " items");
    if (options.workers < 0) fail("a loader cannot have ", options.workers, " workers");
    if (options.stride != 0 && options.stride < batch_size()) fail("a loader's batches cannot overlap");
    if (options.prefetch < 1) fail("a loader cannot prefetch ", options.prefetch, " batches; 1 is the least");
    end_ = options.items == 0 ? ~std::uint64_t{0} : first_ + options.items;
    if (end_ < first_) fail("a loader cannot count from item ", first_, " on by ", options.items);
    slots_.resize(options.workers == 0 ? 1 : static_cast<std::size_t>(options.prefetch));
    try {
      for (int w = 0; w < options.workers; ++w) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error& e) {
      stop_.request_stop();
      fail("the loader cannot start ", options.workers, " workers: ", e.what(), "; take fewer");
    }
  }
  loader(const loader&) = delete;
  loader& operator=(const loader&) = delete;
  // Waits for the items that are being made, and makes no more.
  ~loader() { stop_.request_stop(); }

  // The next batch, and true; false after the last item. The batch's memory is used again: keep passing the same object.
  // Rethrows what the source threw for an item of this batch (for the first such item), then and in all later calls.
  bool next(batch& out) {
    if (first_ + delivered_ == end_) return false;
    slot& current = slots_[batches_ % slots_.size()];
    if (options_.workers == 0) {
      make_here(current);
    } else {
      std::unique_lock lock(mutex_);
      if (current.done < size_of(batches_)) {
        const auto start = std::chrono::steady_clock::now();
        made_.wait(lock, [&] { return current.done == size_of(batches_) || current.hopeless; });
        waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      }
    }
    // No worker touches a complete slot, nor one that has an error.
    if (current.error) {
      stop_.request_stop();
      std::rethrow_exception(current.error);
    }
    std::swap(out, current.data);
    delivered_ += size_of(batches_);
    {
      const std::lock_guard lock(mutex_);
      current.done = 0;
      ++batches_;
    }
    room_.notify_all();
    return true;
  }

  std::uint64_t next_item() const { return item(delivered_); }  // the first that next() has not given
  dim_t next_size() const {                                     // of the batch that next() will give; 0 after the last
    return first_ + delivered_ == end_ ? 0 : static_cast<dim_t>(size_of(batches_));
  }
  double seconds_waited() const { return waited_; }  // that next() waited for workers, in all

 private:
  struct slot {
    batch data;
    std::uint64_t done = 0;  // items made, failed ones too
    std::uint64_t failed = 0;
    std::exception_ptr error;  // of item `failed`
    bool hopeless = false;     // there was no room for the batch: no item of it will be made
  };

  // The source's number of the item that is given as number n, counted from 0.
  std::uint64_t item(std::uint64_t n) const {
    return first_ + (options_.stride == 0 ? n : n / batch_size() * options_.stride + n % batch_size());
  }
  std::uint64_t batch_size() const { return static_cast<std::uint64_t>(options_.batch_size); }
  std::uint64_t size_of(std::uint64_t batch) const { return std::min(batch_size(), end_ - first_ - batch * batch_size()); }

  // What body() throws, or nothing.
  template <class Body>
  static std::exception_ptr attempt(Body&& body) {
    try {
      body();
    } catch (...) {
      return std::current_exception();
    }
    return nullptr;
  }

  void make_here(slot& s) {
    if (s.error) return;
    s.error = attempt([&] { make_batch(source_, item(delivered_), static_cast<dim_t>(size_of(batches_)), s.data); });
  }

  // The workers share the items of a batch, so that the first one comes early.
  void work() {
    std::unique_lock lock(mutex_);
    const std::stop_token stop = stop_.get_token();
    while (true) {
      const bool go = room_.wait(
          lock, stop, [this] { return taken_ == end_ || (taken_ - first_) / batch_size() < batches_ + slots_.size(); });
      if (!go || stop.stop_requested() || taken_ == end_) return;
      const std::uint64_t n = taken_++, b = (n - first_) / batch_size(), row = (n - first_) % batch_size();
      slot& s = slots_[b % slots_.size()];
      std::exception_ptr error;
      if (row == 0) error = attempt([&] { prepare_batch(source_, static_cast<dim_t>(size_of(b)), s.data); });
      if (error) s.hopeless = true;
      if (!error && !s.error) {
        lock.unlock();
        error = attempt([&] { make_item(source_, item(n - first_), row, s.data); });
        lock.lock();
      }
      // The first item's error, whichever came first.
      if (error && (!s.error || n < s.failed)) s.failed = n, s.error = std::move(error);
      if (++s.done == size_of(b) || s.hopeless) made_.notify_one();
    }
  }

  const item_source& source_;
  const loader_options options_;
  const std::uint64_t first_;
  std::uint64_t end_ = 0;
  std::uint64_t delivered_ = 0;  // items; next()'s alone
  double waited_ = 0;

  std::mutex mutex_;  // guards all below but the samples, which belong to whoever makes or takes them
  std::condition_variable_any room_;
  std::condition_variable made_;
  std::vector<slot> slots_;
  std::uint64_t batches_ = 0;  // delivered
  std::uint64_t taken_;        // the next item to make
  std::stop_source stop_;
  std::vector<std::jthread> workers_;  // last: joined before the rest goes
};

}  // namespace avss
