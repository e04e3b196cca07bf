// What a separation network is trained with.
#pragma once

#include <avss/core/shape.hpp>
#include <avss/dist/worker_group.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/sgd.hpp>
#include <avss/train/criterion.hpp>
#include <avss/train/frozen_parts.hpp>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

namespace avss {

// B: the backend.
template <class B>
struct separation_training_on {
  std::shared_ptr<const criterion_on<B>> criterion{};  // null: SI-SNR of the best permutation
  std::variant<adam_config, sgd_config> optimiser = adamw_config;
  std::uint64_t seed = 1;  // of the initial weights, and of what dropout drops
  int threads = 0;         // of the CPU; 0: all
  // Of networks that see faces.
  dim_t faces = 1;         // of each mixture
  bool dropout = true;     // at the rates of the network
  bool recompute = false;  // blocks are run again on the way back: less memory, a third more time
  // Of the averaged weights, which are then those that are evaluated and kept as the network's; 0: there are none.
  double ema_decay = 0;
  // Their gradients count for nothing, and running statistics in them stay as they are; batches are normalised by their own.
  frozen_parts frozen{};
  // Those that share every batch, each with as many of its items; null: this one has all. They need the same weights and seed.
  worker_group* group = nullptr;

  bool permutes() const { return !criterion || criterion->permutes(); }

  // The same on another backend.
  template <class Other>
  separation_training_on<Other> on(std::shared_ptr<const criterion_on<Other>> c) const {
    return {std::move(c), optimiser, seed, threads, faces, dropout, recompute, ema_decay, frozen, group};
  }
};

using separation_training = separation_training_on<cpu>;

}  // namespace avss
