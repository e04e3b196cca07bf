// Training on a device, or on the emulated one, beside the same on the host. nvcc sees the first: its tests are skipped, each
// with the reason, where there is none.
#pragma once

#include <gtest/gtest.h>

#include <avss/cuda/distance_loss.cuh>
#include <avss/cuda/launch.cuh>
#include <avss/cuda/optim.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/data/synthetic_mixtures.hpp>
#include <avss/loss/chosen.hpp>
#include <avss/train/trainer.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss::testing {

// A loss that looks at the network's own spectra, and whose parts have names.
inline chosen_loss with_own_spectra() {
  chosen_loss sum, first, second;
  first.leaf = si_snr(), first.name = "si_snr_loss";
  second.leaf = complex_mapping_mse({256, 128}), second.name = "spectrum", second.weight = 0.1;
  sum.sum = {first, second};
  return sum;
}

// What a network's tests have in common. Derived tests name its batches and make it on either side. Host: the backend beside
// it.
template <class Host>
class device_training : public in_folder {
 protected:
  using training_here = separation_training_on<Host>;
  using training_there = separation_training_on<cuda_backend>;

  virtual const item_source& items() const = 0;
  virtual std::unique_ptr<trainable> here(const training_here& t) const = 0;
  virtual std::unique_ptr<trainable> there(const training_there& t) const = 0;
  virtual dim_t sources() const = 0;

  static training_there moved(const training_here& t) { return t.template on<cuda_backend>(nullptr); }
  std::unique_ptr<trainable> twin(const training_here& t) const { return there(moved(t)); }

  void SetUp() override {
    in_folder::SetUp();
#if defined(__CUDACC__)
    if (const std::string problem = cuda_problem(); !problem.empty()) GTEST_SKIP() << problem;
#endif
  }

  virtual training_here training() const {
    training_here t;
    t.threads = 1, t.faces = sources();
    return t;
  }

  batch batch_of(std::uint64_t first, dim_t size = 2) const {
    batch b;
    make_batch(items(), first, size, b);
    return b;
  }

  // The largest distance of two sets of weights, relative to the largest weight of its tensor.
  static double distance(const tensor_dict& a, const tensor_dict& b) {
    EXPECT_EQ(a.entries.size(), b.entries.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.entries.size(); ++i) {
      EXPECT_EQ(a.entries[i].name, b.entries[i].name);
      const auto x = a.entries[i].value.values<double>(), y = b.entries[i].value.values<double>();
      double top = 1e-3, far = 0;
      for (std::size_t k = 0; k < x.size(); ++k)
        top = std::max(top, std::abs(x[k])), far = std::max(far, std::abs(x[k] - y[k]));
      worst = std::max(worst, far / top);
    }
    return worst;
  }

  // Both are trained on the same batches; their weights and losses stay together.
  void expect_same_steps(const training_here& t, const training_there& t_there, int steps, double lr, double slack) {
    const auto a = here(t), b = there(t_there);
    const tensor_dict start = a->state({0}).weights;
    EXPECT_EQ(distance(start, b->state({0}).weights), 0) << "the same initial weights";
    for (int step = 0; step < steps; ++step) {
      for (const std::uint64_t part : {0u, 1u}) {  // accumulated
        const batch items = batch_of(4 * static_cast<std::uint64_t>(step) + 2 * part);
        const auto x = a->train_step(items, 0.5), y = b->train_step(items, 0.5);
        ASSERT_EQ(x.size(), y.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
          EXPECT_EQ(x[i].name, y[i].name);
          ASSERT_NEAR(y[i].value, x[i].value, slack * (1 + std::abs(x[i].value))) << x[i].name << " of step " << step;
        }
      }
      const double n = a->apply(5, {lr}), m = b->apply(5, {lr});
      ASSERT_NEAR(m, n, slack * n) << "norm of step " << step;
    }
    const training_state p = a->state({lr}), q = b->state({lr});
    EXPECT_EQ(p.optimiser_steps, steps);
    EXPECT_EQ(q.optimiser_steps, steps);
    const double apart = distance(p.weights, q.weights);
    EXPECT_LT(apart, 5 * slack);
    EXPECT_GT(distance(p.weights, start), 20 * apart) << "it has learned";
    if (t.ema_decay > 0) {
      EXPECT_LT(distance(p.trained_weights, q.trained_weights), slack);
    }
    const auto x = a->evaluate(batch_of(1000)), y = b->evaluate(batch_of(1000));
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(y[i].value, x[i].value, 10 * slack * (1 + std::abs(x[i].value))) << x[i].name;
    ASSERT_EQ(a->estimates().size(), b->estimates().size());
  }

  // Weights and moments go to the device and back without a change, and the next step is the CPU's.
  void expect_state_moves() {
    const training_here t = training();
    const auto a = here(t), b = twin(t), c = here(t);
    for (std::uint64_t step = 0; step < 2; ++step) {
      a->train_step(batch_of(2 * step), 1);
      a->apply(5, {1e-3});
    }
    b->restore(a->state({1e-3}), "here");
    c->restore(b->state({1e-3}), "there");
    EXPECT_EQ(distance(a->state({0}).weights, c->state({0}).weights), 0);
    for (trainable* net : {a.get(), b.get(), c.get()}) {
      net->train_step(batch_of(20), 1);
      net->apply(5, {1e-3});
    }
    EXPECT_EQ(distance(a->state({0}).weights, c->state({0}).weights), 0) << "the moments came back";
    EXPECT_LT(distance(a->state({0}).weights, b->state({0}).weights), 2e-4);
  }

  void expect_given_up_steps_leave_no_trace() {
    const auto net = twin(training());
    net->train_step(batch_of(0), 1);
    net->apply(5, {1e-3});
    const training_state before = net->state({0});
    batch broken = batch_of(2);
    broken.mixtures[3] = std::numeric_limits<float>::quiet_NaN();
    net->train_step(broken, 1);
    net->discard();
    EXPECT_EQ(distance(before.weights, net->state({0}).weights), 0);
    net->train_step(broken, 1);
    EXPECT_FALSE(std::isfinite(net->apply(5, {1e-3})));
    EXPECT_EQ(distance(before.weights, net->state({0}).weights), 0);
    net->train_step(batch_of(4), 1);
    EXPECT_TRUE(std::isfinite(net->apply(5, {1e-3})));
  }

  int run(trainable& net, const std::string& name, const std::string& resume, std::int64_t asked_most, bool skip_oom = false) {
    trainer_options o;
    o.folder = folder / name;
    o.n_epochs = 2, o.epoch_len = 2, o.batch_size = 2, o.log_step = 1, o.save_period = 0, o.max_grad_norm = 5;
    o.resume_from = resume, o.skip_oom = skip_oom;
    std::ostringstream out, err;
    std::int64_t asked = 0;
    const batch_maker train = [&](std::uint64_t first, dim_t size, batch& b) {
      before_batch(first);
      make_batch(items(), first, size, b);
    };
    trainer t(net, rate_schedule(one_cycle({.max_lr = 1e-3, .total_steps = 4})), {train, 0, {{"val", batches_of(items()), 2}}},
              std::move(o), out, err, [&] { return asked++ >= asked_most; });
    const int status = t.run();
    skipped_ = t.skipped(), said_ = out.str();
    return status;
  }

  // A run is begun on one device and ended on the other, by its checkpoint files.
  void expect_runs_move() {
    constexpr std::int64_t all = std::numeric_limits<std::int64_t>::max();
    const training_here t = training();
    ASSERT_EQ(run(*here(t), "here", "", all), 0);
    ASSERT_EQ(run(*twin(t), "to_cpu", "", 1), 130);
    ASSERT_EQ(run(*here(t), "to_cpu", last_checkpoint, all), 0);
    ASSERT_EQ(run(*here(t), "to_device", "", 1), 130);
    ASSERT_EQ(run(*twin(t), "to_device", last_checkpoint, all), 0);
    const tensor_dict whole = read_checkpoint(folder / "here" / last_checkpoint).weights;
    for (const char* name : {"to_cpu", "to_device"})
      EXPECT_LT(distance(whole, read_checkpoint(folder / name / last_checkpoint).weights), 1e-3) << name;
  }

  // The mean loss of the last tenth of the steps is by `fall` dB lower than that of the first six; each has mixtures of its
  // own.
  void expect_learns(const training_here& t, int steps, double lr, double fall) {
    constexpr int early = 6;
    const auto net = twin(t);
    double first = 0, last = 0;
    const int tenth = steps / 10;
    for (int step = 0; step < steps; ++step) {
      const double loss = net->train_step(batch_of(4 * static_cast<std::uint64_t>(step), 4), 1).at(0).value;
      ASSERT_TRUE(std::isfinite(loss)) << "step " << step;
      if (step < early) first += loss / early;
      if (step >= steps - tenth) last += loss / tenth;
      ASSERT_TRUE(std::isfinite(net->apply(5, {lr}))) << "step " << step;
    }
    EXPECT_LT(last, first - fall) << steps << " steps, from " << first;
  }

  virtual void before_batch(std::uint64_t) {}  // whose first item has this number, in a run

  std::string said_;
  std::int64_t skipped_ = 0;
};

}  // namespace avss::testing
