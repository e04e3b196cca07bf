// RTFS-Net trained on the emulated device.
#include <avss/cpu/distance_loss.hpp>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/train/rtfsnet_trainable.hpp>

#include "tests/cuda/limited_training.hpp"

namespace avss {
namespace {

constexpr rtfsnet_config tiny = presets::rtfsnet_tiny;

class RtfsNetOnDevice : public testing::limited_training<cpu> {
 protected:
  const item_source& items() const override { return items_; }
  dim_t sources() const override { return 2; }
  std::unique_ptr<trainable> here(const separation_training& t) const override {
    return std::make_unique<rtfsnet_trainable<tiny>>("rtfsnet_tiny", t);
  }
  std::unique_ptr<trainable> there(const training_there& t) const override {
    return std::make_unique<rtfsnet_trainable_on<tiny, emulated_cuda>>("rtfsnet_tiny", t, emulated_cuda());
  }

  // Not Adam, whose first step goes as far for a gradient of rounding as for any other.
  separation_training training() const override {
    separation_training t = limited_training::training();
    t.optimiser = sgd_config{.momentum = 0.9};
    return t;
  }

  const synthetic_mixtures items_{2, 960, tiny.sample_rate, 0, 1, tiny.video_channels};
};

TEST_F(RtfsNetOnDevice, steps_are_the_cpus) {
  separation_training t = training();
  t.criterion = criterion_for(testing::with_own_spectra());
  expect_same_steps(t, t.on(criterion_for<emulated_cuda>(testing::with_own_spectra())), 6, 2e-3, 1e-3);
}

TEST_F(RtfsNetOnDevice, recomputed_with_averages) {
  separation_training t = training();
  t.recompute = true, t.ema_decay = 0.9;
  expect_same_steps(t, moved(t), 3, 2e-3, 1e-3);
}

TEST_F(RtfsNetOnDevice, state_moves) { expect_state_moves(); }
TEST_F(RtfsNetOnDevice, given_up_steps_leave_no_trace) { expect_given_up_steps_leave_no_trace(); }
TEST_F(RtfsNetOnDevice, skips_what_does_not_fit) { expect_skips_what_does_not_fit(); }

}  // namespace
}  // namespace avss
