// Conv-TasNet with a loss and an optimiser, on the CPU, as a training loop sees it.
#pragma once

#include <avss/convtasnet.hpp>
#include <avss/train/convtasnet_trainable_on.hpp>
#include <string>
#include <utility>

namespace avss {

template <convtasnet_config S>
class convtasnet_trainable final : public convtasnet_trainable_on<S, cpu> {
 public:
  convtasnet_trainable(std::string name, const separation_training& t)
      : convtasnet_trainable_on<S, cpu>(std::move(name), t, cpu(t.threads, t.group)) {}
};

}  // namespace avss
