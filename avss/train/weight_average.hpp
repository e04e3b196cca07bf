// Exponential moving average of weights (EMA), which often separates better than the weights of the last step.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace avss {

// v <- decay v + (1 - decay) w after every step; the first step's weights are taken as they are. This is what torch.optim's
// swa_utils.AveragedModel does with get_ema_multi_avg_fn(decay), where buffers (running statistics) stay those of the network.
class weight_average {
 public:
  // decay in [0, 1). Throws error.
  weight_average(double decay, std::span<const float> weights)
      : rest_(static_cast<float>(1 - decay)), values_(weights.begin(), weights.end()) {
    if (!(decay >= 0 && decay < 1)) fail("the decay of averaged weights must be from 0 to below 1, not ", decay);
  }

  // The weights after step number `step`, counted from 1.
  void follow(std::span<const float> weights, std::int64_t step) {
    if (step <= 1) return set(weights);
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += rest_ * (weights[i] - values_[i]);
  }
  void set(std::span<const float> weights) { std::copy(weights.begin(), weights.end(), values_.begin()); }

  // The average takes the place of the network's weights, and the other way round.
  void exchange(std::span<float> weights) { std::swap_ranges(values_.begin(), values_.end(), weights.begin()); }

 private:
  float rest_;
  std::vector<float> values_;
};

}  // namespace avss
