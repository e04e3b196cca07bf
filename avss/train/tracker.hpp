// What follows a training run beside its metrics.jsonl and metrics.csv, which are always written.
#pragma once

#include <avss/core/shape.hpp>
#include <avss/train/trainable.hpp>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace avss {

// An item of an evaluation and what the network made of it.
struct heard_item {
  std::string_view partition;  // "val"
  std::int64_t number = 0;     // from 0
  int rate = 0;                // Hz
  dim_t sources = 0;
  std::span<const float> mixture;             // [length]
  std::span<const float> targets, estimates;  // [sources][length]
};

// Called by the trainer's thread alone, in the order of the steps. Throws error.
class tracker {
 public:
  virtual ~tracker() = default;

  // Before the first step. Resumed: what was recorded of later steps than `step` is made again and must not be there twice.
  virtual void begin(std::int64_t step, bool resumed) = 0;
  // Means: the loss and its parts, and what else there is. Those of a partition that was evaluated complete the evaluation.
  virtual void scalars(std::int64_t step, std::string_view partition, const std::vector<named_value>& losses,
                       const std::vector<named_value>& others) = 0;
  // So many items of each evaluation, the first ones, are wanted, or as many as there are.
  virtual std::int64_t examples() const = 0;
  // Of an evaluation that may be broken off and made anew: it counts when that is complete.
  virtual void example(std::int64_t step, const heard_item& item) = 0;
  // All epochs are done.
  virtual void end(std::int64_t step) = 0;
};

}  // namespace avss
