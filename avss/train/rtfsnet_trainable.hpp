// RTFS-Net with a loss and an optimiser, on the CPU, as a training loop sees it.
#pragma once

#include <avss/rtfsnet.hpp>
#include <avss/train/rtfsnet_trainable_on.hpp>
#include <string>
#include <utility>

namespace avss {

template <rtfsnet_config S>
class rtfsnet_trainable final : public rtfsnet_trainable_on<S, cpu> {
 public:
  rtfsnet_trainable(std::string name, const separation_training& t, int passes = S.passes)
      : rtfsnet_trainable_on<S, cpu>(std::move(name), t, cpu(t.threads, t.group), passes) {}
};

}  // namespace avss
