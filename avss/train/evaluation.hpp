// How good a network is on items that it is not trained on.
#pragma once

#include <algorithm>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <avss/dist/worker_group.hpp>
#include <avss/train/run_log.hpp>
#include <avss/train/trainable.hpp>
#include <avss/train/trainer_options.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

class evaluation {
 public:
  // batch_size: of all workers of the group together, a multiple of their number. `before_batch` may throw to break an
  // evaluation off. What is passed by reference must outlive it.
  evaluation(trainable& net, worker_group& group, dim_t batch_size, run_log& log, std::function<void()> before_batch)
      : net_(net),
        group_(group),
        batch_size_(batch_size),
        share_(batch_size / group.size()),
        log_(log),
        before_batch_(std::move(before_batch)) {}

  // The means over the part's items of net.info().metrics, NaN where no item has a value. The first items are shown to the
  // log, as many as it wants, as of `step`.
  std::vector<named_value> operator()(const evaluation_part& part, std::int64_t step) {
    std::vector<named_value> sums;
    for (const std::string& m : net_.info().metrics) sums.push_back({m, 0, 0});
    for (std::int64_t n = 0; n < part.items; n += batch_size_) {
      before_batch_();
      const std::int64_t from = n + group_.rank() * share_;
      if (from >= part.items) continue;  // the last batch is smaller
      part.make(static_cast<std::uint64_t>(from), std::min<dim_t>(share_, part.items - from), batch_);
      const std::vector<named_value> values = net_.evaluate(batch_);
      if (group_.size() == 1) show(part.name, n, step);
      for (std::size_t i = 0; i < sums.size(); ++i)
        if (values[i].items > 0) sums[i].value += values[i].value * values[i].items, sums[i].items += values[i].items;
    }
    if (group_.size() > 1) evaluate_shown(part, step);
    for (named_value& s : sums) {
      s.value = group_.sum_of(s.value), s.items = group_.sum_of(s.items);
      s.value = s.items > 0 ? s.value / s.items : std::nan("");
    }
    return sums;
  }

 private:
  // Those that are shown are the first worker's and the others': the one that has a log makes them all once more.
  void evaluate_shown(const evaluation_part& part, std::int64_t step) {
    const std::int64_t shown = std::min(part.items, log_.examples());
    for (std::int64_t n = 0; n < shown; n += share_) {
      part.make(static_cast<std::uint64_t>(n), std::min<dim_t>(share_, shown - n), batch_);
      net_.evaluate(batch_);
      show(part.name, n, step);
    }
  }

  // Items of the batch that was evaluated, which begins with item `first`, as far as they are wanted.
  void show(const std::string& partition, std::int64_t first, std::int64_t step) {
    const std::int64_t wanted = log_.examples();
    if (first >= wanted) return;
    const std::span<const float> estimates = net_.estimates();
    if (estimates.size() != batch_.targets.size()) return;
    for (std::int64_t i = 0; i < batch_.size && first + i < wanted; ++i) {
      const auto part = [i](std::span<const float> all, dim_t size) {
        return all.subspan(static_cast<std::size_t>(i * size), static_cast<std::size_t>(size));
      };
      const dim_t n = batch_.length, sn = batch_.sources * n;
      log_.example(step, {partition, first + i, net_.info().sample_rate, batch_.sources, part(batch_.mixtures, n),
                          part(batch_.targets, sn), part(estimates, sn)});
    }
  }

  trainable& net_;
  worker_group& group_;
  dim_t batch_size_, share_;
  run_log& log_;
  std::function<void()> before_batch_;
  batch batch_;
};

}  // namespace avss
