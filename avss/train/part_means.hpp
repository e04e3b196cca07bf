// Means of a loss's parts over the good steps since the last log line and of an epoch.
#pragma once

#include <avss/train/trainable.hpp>
#include <cstddef>
#include <vector>

namespace avss {

// After a resumption the means are of the steps since then.
class part_means {
 public:
  // `values`: the loss and then its parts, of one of `share` batches of a step.
  void add(const std::vector<named_value>& values, double share) {
    if (step_.empty()) step_.assign(values.begin() + 1, values.end()), clear_values(step_);
    for (std::size_t i = 0; i < step_.size(); ++i) step_[i].value += share * values[i + 1].value;
  }
  void end_step(bool good) {
    if (good && sums_.size() != step_.size()) sums_ = step_, clear_values(sums_);
    for (std::size_t i = 0; good && i < sums_.size(); ++i) sums_[i].value += step_[i].value;
    if (good) ++steps_;
    clear_values(step_);
  }
  // Appends the means, and starts anew.
  void take(std::vector<named_value>& to) {
    for (const named_value& s : sums_)
      if (steps_ > 0) to.push_back({s.name, s.value / static_cast<double>(steps_), s.items});
    clear_values(sums_);
    steps_ = 0;
  }

 private:
  static void clear_values(std::vector<named_value>& all) {
    for (named_value& v : all) v.value = 0;
  }

  std::vector<named_value> step_, sums_;
  long steps_ = 0;
};

}  // namespace avss
