// RTFS-Net trained on a device, beside the definition on the host.
#include <avss/cuda/rtfsnet.cuh>
#include <avss/reference/optim.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <avss/reference/separation_loss.hpp>
#include <avss/reference/to_host.hpp>
#include <avss/train/rtfsnet_trainable_on.hpp>

#include "tests/cuda/device_training.hpp"
#include "tests/cuda/host_definition.hpp"

namespace avss {
namespace {

using testing::host_definition;

constexpr rtfsnet_config tiny = presets::rtfsnet_tiny;

class device_rtfsnet : public testing::device_training<host_definition> {
 protected:
  const item_source& items() const override { return items_; }
  dim_t sources() const override { return 2; }
  std::unique_ptr<trainable> here(const training_here& t) const override {
    return std::make_unique<rtfsnet_trainable_on<tiny, host_definition>>("rtfsnet_tiny", t, host_definition());
  }
  std::unique_ptr<trainable> there(const training_there& t) const override {
    return std::make_unique<rtfsnet_trainable_on<tiny, cuda_backend>>("rtfsnet_tiny", t, cuda_backend());
  }

  // Not Adam, whose first step goes as far for a gradient of rounding as for any other.
  training_here training() const override {
    training_here t = device_training::training();
    t.optimiser = sgd_config{.momentum = 0.9};
    return t;
  }

  const synthetic_mixtures items_{2, 960, tiny.sample_rate, 0, 1, tiny.video_channels};
};

// Losses and norms of every step within 1e-3 of the definition's, relative; in the end weights within 5e-3 of the largest of
// their tensor.
TEST_F(device_rtfsnet, steps_are_the_definitions) {
  training_here t = training();
  t.criterion = criterion_for<host_definition>(testing::with_own_spectra());
  expect_same_steps(t, t.on(criterion_for<cuda_backend>(testing::with_own_spectra())), 6, 2e-3, 1e-3);
}

TEST_F(device_rtfsnet, recomputed_with_averages) {
  training_here t = training();
  t.recompute = true, t.ema_decay = 0.9;
  expect_same_steps(t, moved(t), 3, 2e-3, 1e-3);
}

TEST_F(device_rtfsnet, state_moves) { expect_state_moves(); }
TEST_F(device_rtfsnet, runs_move) { expect_runs_move(); }
TEST_F(device_rtfsnet, given_up_steps_leave_no_trace) { expect_given_up_steps_leave_no_trace(); }

}  // namespace
}  // namespace avss
