// Conv-TasNet trained on the emulated device.
#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/staged_group.cuh>
#include <avss/train/convtasnet_trainable.hpp>
#include <variant>

#include "tests/cuda/limited_training.hpp"

namespace avss {
namespace {

constexpr convtasnet_config tiny = presets::convtasnet_tiny;

class ConvTasNetOnDevice : public testing::limited_training<cpu> {
 protected:
  const item_source& items() const override { return items_; }
  dim_t sources() const override { return 2; }
  std::unique_ptr<trainable> here(const separation_training& t) const override {
    return std::make_unique<convtasnet_trainable<tiny>>("convtasnet_tiny", t);
  }
  std::unique_ptr<trainable> there(const training_there& t) const override {
    return std::make_unique<convtasnet_trainable_on<tiny, emulated_cuda>>("convtasnet_tiny", t, emulated_cuda());
  }

  const synthetic_mixtures items_{2, 400, tiny.sample_rate, 0, 1};
};

TEST_F(ConvTasNetOnDevice, fifty_steps_are_the_cpus) {
  separation_training t = training();
  t.optimiser = sgd_config{.momentum = 0.9};
  expect_same_steps(t, moved(t), 50, 1e-2, 2e-4);
}

TEST_F(ConvTasNetOnDevice, averages_and_frozen_parts) {
  separation_training t = training();
  t.ema_decay = 0.9, t.frozen.freeze = {"encoder"};
  expect_same_steps(t, moved(t), 5, 1e-3, 2e-4);
}

TEST_F(ConvTasNetOnDevice, gradients_are_those_of_all_workers) {
  // The other worker's are as this one's.
  struct twin final : worker_group {
    void sum(std::span<float> values) override {
      for (float& v : values) v *= 2;
    }
  } twins;
  staged_group<> group(twins);
  emulated_cuda on;
  on.group = &group;
  const training_there t = moved(training());
  convtasnet_trainable_on<tiny, emulated_cuda> alone("convtasnet_tiny", t, emulated_cuda()), shared("convtasnet_tiny", t, on);
  alone.train_step(batch_of(0), 1), shared.train_step(batch_of(0), 1);
  const double infinite = std::numeric_limits<double>::infinity();
  const double norm = alone.apply(infinite, {1e-3});
  EXPECT_NEAR(shared.apply(infinite, {1e-3}), 2 * norm, 1e-5 * norm);
}

// With rates that change, and an average: the step is a graph from its third time on, and gives the bits of one that is none.
TEST_F(ConvTasNetOnDevice, steps_are_replayed_with_other_rates) {
  struct alone final : worker_group {
  } one;
  staged_group<> group(one);
  emulated_cuda on;
  on.group = &group;  // nothing is kept as a graph
  for (const std::variant<adam_config, sgd_config>& optimiser :
       {std::variant<adam_config, sgd_config>(adam_config{.weight_decay = 0.1}),
        {adamw_config},
        {sgd_config{.momentum = 0.9}}}) {
    separation_training_on<emulated_cuda> t = training().on<emulated_cuda>(nullptr);
    t.optimiser = optimiser, t.ema_decay = 0.9;
    convtasnet_trainable_on<tiny, emulated_cuda> kept("convtasnet_tiny", t, emulated_cuda()), plain("convtasnet_tiny", t, on);
    auto& traffic = emulated::traffic::of_thread();
    std::vector<std::size_t> given, waits;
    for (std::uint64_t step = 0; step < 6; ++step) {
      if (step == 4) {  // evaluation exchanges weights and average, a checkpoint is read
        EXPECT_EQ(kept.evaluate(batch_of(100)).front().value, plain.evaluate(batch_of(100)).front().value);
        kept.restore(kept.state({0}), "itself");
      }
      const rates r{1e-3 / static_cast<double>(step + 1), 0.95 - 0.01 * static_cast<double>(step)};
      traffic = {};
      const double loss = kept.train_step(batch_of(2 * step), 1).front().value;
      const std::size_t learnt = traffic.given;
      const double norm = kept.apply(5, r);
      given.push_back(traffic.given - learnt), waits.push_back(traffic.waits);
      EXPECT_EQ(plain.train_step(batch_of(2 * step), 1).front().value, loss);
      EXPECT_EQ(plain.apply(5, r), norm);
    }
    EXPECT_EQ(distance(kept.state({0}).weights, plain.state({0}).weights), 0);
    EXPECT_EQ(distance(kept.state({0}).trained_weights, plain.state({0}).trained_weights), 0);
    EXPECT_EQ(given[0], 11u) << "norm and clipping 5, rates, two stretches' step and average, zeros";
    EXPECT_EQ(given[5], 7u) << "norm and clipping 5, rates, a graph";
    EXPECT_EQ(waits[5], 2u) << "loss, while the device is on its way back, and norm";
  }
}

TEST_F(ConvTasNetOnDevice, learns) { expect_learns(training(), 60, 3e-3, 14); }
TEST_F(ConvTasNetOnDevice, state_moves) { expect_state_moves(); }
TEST_F(ConvTasNetOnDevice, runs_move) { expect_runs_move(); }
TEST_F(ConvTasNetOnDevice, given_up_steps_leave_no_trace) { expect_given_up_steps_leave_no_trace(); }
TEST_F(ConvTasNetOnDevice, skips_what_does_not_fit) { expect_skips_what_does_not_fit(); }

}  // namespace
}  // namespace avss
