// Conv-TasNet trained on a device, beside the definition on the host.
#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/model/convtasnet_presets.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/optim.hpp>
#include <avss/reference/pointwise.hpp>
#include <avss/reference/separation_loss.hpp>
#include <avss/reference/to_host.hpp>
#include <avss/train/convtasnet_trainable_on.hpp>

#include "tests/cuda/device_training.hpp"
#include "tests/cuda/host_definition.hpp"

namespace avss {
namespace {

using testing::host_definition;

constexpr convtasnet_config tiny = presets::convtasnet_tiny;

class device_convtasnet : public testing::device_training<host_definition> {
 protected:
  const item_source& items() const override { return items_; }
  dim_t sources() const override { return 2; }
  std::unique_ptr<trainable> here(const training_here& t) const override {
    return std::make_unique<convtasnet_trainable_on<tiny, host_definition>>("convtasnet_tiny", t, host_definition());
  }
  std::unique_ptr<trainable> there(const training_there& t) const override {
    return std::make_unique<convtasnet_trainable_on<tiny, cuda_backend>>("convtasnet_tiny", t, cuda_backend());
  }
  // Not Adam, whose first step goes as far for a gradient of rounding as for any other.
  training_here by_momentum() const {
    training_here t = training();
    t.optimiser = sgd_config{.momentum = 0.9};
    return t;
  }

  const synthetic_mixtures items_{2, 400, tiny.sample_rate, 0, 1};
};

// Losses and norms of every step within 1e-3 of the definition's, relative; in the end weights within 5e-3 of the largest of
// their tensor.
TEST_F(device_convtasnet, two_hundred_steps_are_the_definitions) {
  const training_here t = by_momentum();
  expect_same_steps(t, moved(t), 200, 1e-2, 1e-3);
}

TEST_F(device_convtasnet, averages) {
  training_here t = training();
  t.ema_decay = 0.9, t.frozen.freeze = {"encoder"};
  expect_same_steps(t, moved(t), 5, 1e-3, 5e-4);
}

// The CPU's loss falls by 15.9 dB in 60 steps, by 17.8 dB in 1000.
TEST_F(device_convtasnet, learns_in_a_thousand_steps) { expect_learns(training(), 1000, 3e-3, 16.5); }

TEST_F(device_convtasnet, state_moves) { expect_state_moves(); }
TEST_F(device_convtasnet, runs_move) { expect_runs_move(); }
TEST_F(device_convtasnet, given_up_steps_leave_no_trace) { expect_given_up_steps_leave_no_trace(); }

}  // namespace
}  // namespace avss
