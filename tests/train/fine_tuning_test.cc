// Averaged weights and frozen parts.
#include <gtest/gtest.h>

#include <avss/convtasnet.hpp>
#include <map>

#include "tests/train/run_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

using values_by_name = std::map<std::string, std::vector<double>>;

values_by_name by_name(const tensor_dict& weights) {
  values_by_name all;
  for (const named_tensor& t : weights.entries) all[t.name] = t.value.values<double>();
  return all;
}

class fine_tuning : public training_run {
 protected:
  batch items(dim_t first) const {
    batch b;
    data().train(static_cast<std::uint64_t>(first), 2, b);
    return b;
  }
  static void step(trainable& net, const batch& b) {
    net.train_step(b, 1);
    ASSERT_TRUE(std::isfinite(net.apply(5, {.lr = 1e-2})));
  }
};

TEST_F(fine_tuning, averaged_weights_follow_the_trained_ones) {
  constexpr double decay = 0.8;
  const auto net = make_tiny({.threads = 1, .ema_decay = decay});
  values_by_name expected = by_name(net->state({0}).weights);
  double moved = 0;
  for (int n = 0; n < 5; ++n) {
    step(*net, items(2 * n));
    const training_state s = net->state({0});
    const values_by_name trained = by_name(s.trained_weights), averaged = by_name(s.weights);
    ASSERT_FALSE(trained.empty());
    for (const auto& [name, w] : trained)
      for (std::size_t i = 0; i < w.size(); ++i) {
        std::vector<double>& e = expected.at(name);
        e[i] = decay * e[i] + (1 - decay) * w[i];
        EXPECT_NEAR(averaged.at(name)[i], e[i], 1e-6) << name << " at step " << n;
        moved = std::max(moved, std::abs(e[i] - w[i]));
      }
  }
  EXPECT_GT(moved, 1e-3);
}

TEST_F(fine_tuning, averaged_weights_are_evaluated_and_kept) {
  trainer_options o = options("averaged");
  const auto net = make_tiny({.threads = 1, .ema_decay = 0.9});
  ASSERT_EQ(run(*net, o), 0);
  const checkpoint c = read_checkpoint(o.folder / last_checkpoint);
  EXPECT_NE(by_name(c.weights), by_name(c.trained_weights));
  // Whoever reads the file takes the average, and that is what was evaluated.
  const auto reader = make_tiny({.threads = 1}), trained = make_tiny({.threads = 1});
  const std::string path = (o.folder / last_checkpoint).string();
  reader->load_weights(read_weights_file(path), path);
  EXPECT_EQ(by_name(reader->state({0}).weights), by_name(c.weights));
  trained->restore({c.trained_weights, {}, c.optimizer, 12}, path);
  batch b;
  data().parts[0].make(0, 5, b);
  const double loss = net->evaluate(b)[0].value;
  EXPECT_EQ(loss, reader->evaluate(b)[0].value);
  EXPECT_NE(loss, trained->evaluate(b)[0].value);
}

TEST_F(fine_tuning, averaged_and_frozen_runs_are_resumed_exactly) {
  const separation_training t{.threads = 1, .ema_decay = 0.9, .frozen = {.freeze = {"encoder"}}};
  const auto whole = make_tiny(t);
  ASSERT_EQ(run(*whole, options("whole")), 0);
  for (int stop : {1, 6, 8}) {
    const std::string name = "stopped" + std::to_string(stop);
    const auto first = make_tiny(t);
    ASSERT_EQ(run(*first, options(name), stop), 130);
    trainer_options o = options(name);
    o.resume_from = last_checkpoint;
    separation_training other = t;
    other.seed = 99;
    const auto second = make_tiny(other);
    ASSERT_EQ(run(*second, o), 0);
    EXPECT_TRUE(bytes_of_file(folder / "whole" / last_checkpoint) == bytes_of_file(folder / name / last_checkpoint)) << stop;
  }
  // Without an average from there on: it goes on from the trained weights.
  trainer_options o = options("stopped8");
  o.n_epochs = 3, o.resume_from = last_checkpoint;
  const auto without = make_tiny({.threads = 1, .frozen = t.frozen});
  ASSERT_EQ(run(*without, o, rate_schedule(one_cycle({.max_lr = 5e-3, .total_steps = 18})), data(), 0), 130);
  EXPECT_EQ(by_name(without->state({0}).weights), by_name(whole->state({0}).trained_weights));
}

TEST_F(fine_tuning, frozen_parts_stay_and_the_others_learn) {
  for (const bool freeze : {true, false}) {
    frozen_parts parts;
    (freeze ? parts.freeze : parts.train_only) = {"decoder", "*.bias"};
    const auto net = make_tiny({.threads = 1, .frozen = parts});
    const values_by_name before = by_name(net->state({0}).weights);
    for (int n = 0; n < 3; ++n) step(*net, items(2 * n));
    int same = 0, changed = 0;
    for (const auto& [name, w] : by_name(net->state({0}).weights)) {
      const bool named = name.starts_with("decoder.") || name.ends_with(".bias");
      changed += w != before.at(name);
      if (named != freeze) continue;
      ++same;
      EXPECT_EQ(w, before.at(name)) << name << " was to stay";
    }
    EXPECT_GT(same, 0);
    EXPECT_GT(changed, 0);
  }
}

TEST_F(fine_tuning, frozen_running_statistics_stay) {
  synthetic_mixtures faces(2, 1920, 16000, 4, 1, 12);
  const auto after_two_steps = [&](frozen_parts parts) {
    const auto net = make_tiny_rtfsnet({.threads = 1, .faces = 2, .dropout = false, .frozen = std::move(parts)});
    for (std::uint64_t n = 0; n < 2; ++n) {
      batch b;
      make_batch(faces, 2 * n, 2, b);
      step(*net, b);
    }
    return by_name(net->state({0}).weights);
  };
  const values_by_name free = after_two_steps({}), frozen = after_two_steps({.freeze = {"*running_*", "*num_batches_tracked"}});
  int statistics = 0;
  for (const auto& [name, w] : frozen) {
    const bool variance = name.ends_with("running_var");
    if (!variance && !name.ends_with("running_mean")) continue;
    ++statistics;
    EXPECT_EQ(w, std::vector<double>(w.size(), variance ? 1 : 0)) << name;
    EXPECT_NE(free.at(name), w) << name;
  }
  EXPECT_GT(statistics, 0);
}

TEST_F(fine_tuning, refuses) {
  const auto refusal = [](frozen_parts parts) {
    return error_of([&] { make_tiny({.threads = 1, .frozen = std::move(parts)}); });
  };
  EXPECT_TRUE(says(refusal({.freeze = {"encodr"}}), "trainer.freeze", "'encodr'", "encoder."));
  EXPECT_TRUE(says(refusal({.train_only = {"encoder", "x.*"}}), "trainer.train_only", "'x.*'"));
  EXPECT_TRUE(says(refusal({.freeze = {"*"}}), "nothing", "trained"));
  EXPECT_TRUE(says(refusal({.freeze = {"enc"}}), "'enc'")) << "a part of a word is no part of a network";
  for (const double decay : {1.0, -0.1, std::nan("")})
    EXPECT_TRUE(says(error_of([&] { make_tiny({.threads = 1, .ema_decay = decay}); }), "must lie in [0, 1)"));
}

}  // namespace
}  // namespace avss
