// Batches out of an item source, and a fixed data set in a new order every epoch.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/loader.hpp>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// make(first, size, b): items first, first + 1, ..., first + size - 1. A trainer asks in ascending order.
using batch_maker = std::function<void(std::uint64_t first, dim_t size, batch& b)>;

// Without threads of its own. `source` must outlive the result.
inline batch_maker batches_of(const item_source& source) {
  return [&source](std::uint64_t first, dim_t size, batch& b) { make_batch(source, first, size, b); };
}

// Made ahead of time by `workers` threads, `prefetch` batches of them; without workers as batches_of() does. items: how many
// there are, 0: endless. shares: of each batch this one is asked for, one after the other, the others are made elsewhere.
// `source` must outlive the result.
inline batch_maker prefetched_batches(const item_source& source, std::int64_t items, int workers, int prefetch,
                                      int shares = 1) {
  if (workers == 0) return batches_of(source);
  return [=, &source, ahead = std::shared_ptr<loader>()](std::uint64_t first, dim_t size, batch& b) mutable {
    // The first call, or one that goes back: a new evaluation, another batch size.
    if (!ahead || ahead->next_item() != first || ahead->next_size() != size) {
      ahead.reset();  // its threads end before others start
      const std::uint64_t each = static_cast<std::uint64_t>(size), stride = each * static_cast<std::uint64_t>(shares);
      const std::uint64_t left = items > 0 ? static_cast<std::uint64_t>(items) - first : 0;
      ahead = std::make_shared<loader>(source, loader_options{.batch_size = size,
                                                              .workers = workers,
                                                              .prefetch = prefetch,
                                                              .first_item = first,
                                                              .items = left / stride * each + std::min(left % stride, each),
                                                              .stride = stride});
    }
    ahead->next(b);
  };
}

// Items 0, 1, ..., count - 1 of a fixed data set as an endless row: item n is of epoch n / count, and each epoch has all of
// them in an order of its own, a function of the seed and of the epoch.
class shuffled_source final : public item_source {
 public:
  shuffled_source(std::shared_ptr<const item_source> fixed, std::uint64_t seed) : fixed_(std::move(fixed)), seed_(seed) {
    if (fixed_->count() < 1) fail("only a fixed number of items can be shuffled");
  }

  dim_t sources() const override { return fixed_->sources(); }
  dim_t length() const override { return fixed_->length(); }
  int sample_rate() const override { return fixed_->sample_rate(); }
  video_extent video() const override { return fixed_->video(); }
  dim_t count() const override { return fixed_->count(); }
  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    fixed_->make(of_fixed(n), mixture, targets);
  }
  void make_features(std::uint64_t n, std::span<float> features) const override {
    fixed_->make_features(of_fixed(n), features);
  }

 private:
  using order_list = std::shared_ptr<const std::vector<std::uint64_t>>;

  // The fixed set's item that is item n.
  std::uint64_t of_fixed(std::uint64_t n) const {
    const std::uint64_t count = static_cast<std::uint64_t>(fixed_->count());
    return (*order(n / count))[static_cast<std::size_t>(n % count)];
  }

  order_list order(std::uint64_t epoch) const {
    const std::lock_guard lock(mutex_);
    order_list& known = orders_[epoch];
    if (!known) {
      std::vector<std::uint64_t> fresh(static_cast<std::size_t>(fixed_->count()));
      std::iota(fresh.begin(), fresh.end(), std::uint64_t{0});
      random_stream(seed_, "order", epoch).shuffle(std::span(fresh));
      known = std::make_shared<const std::vector<std::uint64_t>>(std::move(fresh));
    }
    const order_list result = known;
    // Two epochs overlap where items are made ahead; older ones are not asked for again.
    while (orders_.size() > 2) orders_.erase(orders_.begin()->first == epoch ? std::prev(orders_.end()) : orders_.begin());
    return result;
  }

  std::shared_ptr<const item_source> fixed_;
  std::uint64_t seed_;
  mutable std::mutex mutex_;
  mutable std::map<std::uint64_t, order_list> orders_;
};

}  // namespace avss
