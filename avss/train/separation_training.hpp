// What an audio-only separation network is trained with.
#pragma once

#include <avss/optim/adam.hpp>
#include <avss/optim/sgd.hpp>
#include <cstdint>
#include <variant>

namespace avss {

enum class separation_objective { pit_si_snr, si_snr, pit_snr, snr };

struct separation_training {
  separation_objective objective = separation_objective::pit_si_snr;
  std::variant<adam_config, sgd_config> optimiser = adamw_config;
  std::uint64_t seed = 1;  // of the initial weights
  int threads = 0;         // 0: all
};

}  // namespace avss
