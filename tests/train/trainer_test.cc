// The loop: learning, resuming, stopping, refusing.
#include <gtest/gtest.h>

#include "tests/train/run_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class training : public training_run {
 protected:
  int epochs_ = 0;
};

TEST_F(training, the_loss_falls_and_the_best_is_kept) {
  const auto net = make_tiny({.threads = 1});
  trainer_options o = options("run");
  o.n_epochs = 3, o.epoch_len = 40, o.save_period = 2;
  ASSERT_EQ(run(*net, o, rate_schedule(constant_rate(5e-3)), data()), 0);
  std::vector<double> losses;
  std::ifstream csv(folder / "run/metrics.csv");
  for (std::string line; std::getline(csv, line);)
    if (const auto at = line.find(",train_epoch,"); at != std::string::npos) losses.push_back(std::stod(line.substr(at + 13)));
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_LT(losses[2], losses[0] - 2) << "dB";
  for (const char* name : {last_checkpoint, previous_checkpoint, best_checkpoint, "checkpoint-epoch2.pth", "metrics.jsonl"})
    EXPECT_TRUE(std::filesystem::exists(folder / "run" / name)) << name;
  EXPECT_EQ(count_files(), 6u);
  for (const char* word : {"epoch 3/3", "items/s", "left", "val si_snri", "(best)"})
    EXPECT_NE(out.str().find(word), std::string::npos) << word << " in " << out.str();
  EXPECT_EQ(out.str().find('\r'), std::string::npos);
  EXPECT_EQ(err.str(), "");
}

TEST_F(training, resumed_at_any_step_equals_uninterrupted) {
  const auto whole = make_tiny({.threads = 1});
  ASSERT_EQ(run(*whole, options("whole")), 0);
  for (int stop : {0, 1, 5, 6, 8, 11, 14}) {  // within an epoch, between two, within a validation
    const std::string name = "stopped" + std::to_string(stop);
    const auto first = make_tiny({.threads = 2});
    ASSERT_EQ(run(*first, options(name), stop), 130);
    trainer_options o = options(name);
    o.resume_from = last_checkpoint;
    const auto second = make_tiny({.seed = 99, .threads = 3});  // everything comes from the checkpoint
    ASSERT_EQ(run(*second, o), 0);
    EXPECT_EQ(weights_of(*second), weights_of(*whole)) << "stopped after " << stop;
    EXPECT_EQ(log_of(name), log_of("whole")) << "stopped after " << stop;
    const checkpoint a = read_checkpoint(folder / "whole" / last_checkpoint),
                     b = read_checkpoint(folder / name / last_checkpoint);
    EXPECT_EQ(a.monitor_best, b.monitor_best);
    EXPECT_EQ(bytes_of_file(folder / "whole" / last_checkpoint), bytes_of_file(folder / name / last_checkpoint));
  }
}

TEST_F(training, resumed_with_every_optimiser_and_schedule) {
  const std::vector<std::variant<adam_config, sgd_config>> optimisers{adam_config{}, sgd_config{},
                                                                      sgd_config{.momentum = 0.9, .nesterov = true}};
  const auto schedules = [] {
    return std::vector<rate_schedule>{
        rate_schedule(constant_rate(1e-3)), rate_schedule(step_decay(1e-3, 5)), rate_schedule(cosine_annealing(1e-3, 2), true),
        rate_schedule(plateau({.lr = 1e-3, .higher_is_better = true, .patience = 0, .threshold = 9}))};
  };
  int k = 0;
  for (const auto& optimiser : optimisers)
    for (std::size_t s = 0; s < schedules().size(); ++s) {
      const std::string a = "whole" + std::to_string(k), b = "halves" + std::to_string(k++);
      const auto whole = make_tiny({.optimiser = optimiser, .threads = 1});
      ASSERT_EQ(run(*whole, options(a), schedules()[s], data()), 0);
      const auto first = make_tiny({.optimiser = optimiser, .threads = 1}),
                 second = make_tiny({.optimiser = optimiser, .threads = 1});
      ASSERT_EQ(run(*first, options(b), schedules()[s], data(), 10), 130);
      trainer_options o = options(b);
      o.resume_from = last_checkpoint;
      ASSERT_EQ(run(*second, o, schedules()[s], data()), 0);
      EXPECT_EQ(weights_of(*second), weights_of(*whole)) << schedules()[s].name();
    }
}

TEST_F(training, full_passes_see_every_item_once_an_epoch) {
  const auto net = make_tiny({.threads = 1});
  auto fixed = std::make_shared<synthetic_mixtures>(2, 100, 8000, 7, 3);
  const shuffled_source shuffled(fixed, 4);
  std::vector<std::uint64_t> seen;
  training_data d{[&](std::uint64_t first, dim_t size, batch& b) {
                    for (dim_t i = 0; i < size; ++i) seen.push_back(first + static_cast<std::uint64_t>(i));
                    make_batch(shuffled, first, size, b);
                  },
                  7,
                  {}};
  trainer_options o = options("run");
  o.epoch_len = 0, o.n_epochs = 3;
  ASSERT_EQ(run(*net, o, rate_schedule(constant_rate(1e-3)), d), 0);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19}));
  // An order of its own for each epoch, of all items.
  std::vector<std::vector<float>> orders[2];
  for (std::uint64_t e = 0; e < 2; ++e)
    for (std::uint64_t n = 0; n < 7; ++n) {
      batch b;
      make_batch(shuffled, e * 7 + n, 1, b);
      orders[e].push_back(b.mixtures);
    }
  EXPECT_NE(orders[0], orders[1]);
  std::sort(orders[0].begin(), orders[0].end());
  std::sort(orders[1].begin(), orders[1].end());
  EXPECT_EQ(orders[0], orders[1]);
}

TEST_F(training, accumulated_batches_are_one_large_one) {
  const auto one = make_tiny({.threads = 1}), four = make_tiny({.threads = 1});
  trainer_options o = options("one");
  o.batch_size = 4, o.n_epochs = 1, o.epoch_len = 1;
  ASSERT_EQ(run(*one, o), 0);
  o = options("four");
  o.batch_size = 1, o.accumulate = 4, o.n_epochs = 1, o.epoch_len = 1;
  ASSERT_EQ(run(*four, o), 0);
  const auto a = one->state({0}).weights, b = four->state({0}).weights;
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    const auto x = a.entries[i].value.values<double>(), y = b.entries[i].value.values<double>();
    for (std::size_t k = 0; k < x.size(); ++k) EXPECT_NEAR(x[k], y[k], 2e-5) << a.entries[i].name;
  }
}

TEST_F(training, steps_without_a_finite_loss_are_left_out_and_end_a_run_that_has_nothing_else) {
  const auto poisoned = [this](std::uint64_t from, std::uint64_t to) {
    training_data d = data();
    d.train = [make = d.train, from, to](std::uint64_t first, dim_t size, batch& b) {
      make(first, size, b);
      if (first / 2 >= from && first / 2 < to) b.targets[3] = std::numeric_limits<float>::quiet_NaN();
    };
    return d;
  };
  const auto net = make_tiny({.threads = 1});
  trainer_options o = options("some");
  o.max_bad_steps = 3;
  EXPECT_EQ(run(*net, o, schedule(), poisoned(3, 5)), 0);
  EXPECT_EQ(skipped, 2);
  EXPECT_NE(out.str().find("2 steps skipped"), std::string::npos) << out.str();

  const auto other = make_tiny({.threads = 1});
  o.folder = folder / "all";
  EXPECT_TRUE(says(error_of([&] { run(*other, o, schedule(), poisoned(7, 99)); }), "step 10", "not finite", "3 steps",
                   "learning rate", "all/bad-batch-step10.npz", "all/checkpoint-last.pth is of step 6"));
  const tensor_dict bad = read_npz((folder / "all/bad-batch-step10.npz").string());
  EXPECT_EQ(bad.entries[0].value.shape, (std::vector<dim_t>{2, 800}));
  EXPECT_TRUE(std::isnan(bad.entries[1].value.values<double>()[3])) << bad.entries[1].name;
  // What was saved before is whole, and the weights are those of the last good step.
  EXPECT_EQ(read_checkpoint(folder / "all" / last_checkpoint).step, 6);
  for (const named_tensor& t : other->state({0}).weights.entries)
    for (double v : t.value.values<double>()) ASSERT_TRUE(std::isfinite(v)) << t.name;
}

TEST_F(training, a_run_that_diverges_ends_with_an_error_however_short_it_is) {
  // The loss of a step is finite, its update is not: every one after it is NaN.
  const auto fast = [] { return rate_schedule(constant_rate(1e30)); };
  trainer_options o = options("epoch");
  o.n_epochs = 2, o.epoch_len = 4;
  training_data d = data();
  d.parts.clear(), o.monitor = "off";
  const auto net = make_tiny({.threads = 1});
  EXPECT_TRUE(says(error_of([&] { run(*net, o, fast(), d); }), "epoch 2: none of its 4 steps had a finite loss",
                   "learning rate", "epoch/checkpoint-last.pth is of step 4"));
  EXPECT_EQ(read_checkpoint(folder / "epoch" / last_checkpoint).step, 4);

  const auto other = make_tiny({.threads = 1});
  o = options("end");
  o.n_epochs = 1, o.epoch_len = 4;
  EXPECT_TRUE(says(error_of([&] { run(*other, o, fast(), data()); }), "at its end", "last validation is not finite",
                   "end/checkpoint-last.pth is of step 4"));
}

TEST_F(training, says_that_there_is_nothing_left_to_do) {
  const auto net = make_tiny({.threads = 1});
  ASSERT_EQ(run(*net, options("run")), 0);
  EXPECT_EQ(out.str().find("done already"), std::string::npos) << out.str();
  trainer_options o = options("run");
  o.resume_from = last_checkpoint;
  out.str("");
  ASSERT_EQ(run(*net, o), 0);
  EXPECT_NE(out.str().find("all 2 epochs are done already; to go on, raise trainer.n_epochs"), std::string::npos) << out.str();
}

TEST_F(training, stops_early) {
  const auto net = make_tiny({.threads = 1});
  trainer_options o = options("run");
  o.n_epochs = 50, o.epoch_len = 1, o.early_stop = 2;
  ASSERT_EQ(run(*net, o, rate_schedule(constant_rate(1e-9)), data()), 0);
  EXPECT_NE(out.str().find("stopped early"), std::string::npos) << out.str();

  // Resumed, it is still at its end.
  const std::string weights = weights_of(*net), log = log_of("run"), bytes = bytes_of_file(folder / "run" / last_checkpoint);
  o.resume_from = last_checkpoint;
  out.str("");
  const auto again = make_tiny({.seed = 99, .threads = 1});
  ASSERT_EQ(run(*again, o, rate_schedule(constant_rate(1e-9)), data()), 0);
  EXPECT_NE(out.str().find("stopped early"), std::string::npos) << out.str();
  EXPECT_TRUE(weights_of(*again) == weights);
  EXPECT_EQ(log_of("run"), log);
  EXPECT_TRUE(bytes_of_file(folder / "run" / last_checkpoint) == bytes);

  // With more patience it goes on.
  o.early_stop = 3;
  ASSERT_EQ(run(*again, o, rate_schedule(constant_rate(1e-9)), data()), 0);
  EXPECT_NE(log_of("run"), log);
}

TEST_F(training, says_what_a_resumed_run_changes) {
  const auto configured = [&](std::int64_t items, const char* name) {
    trainer_options o = options("run");
    const auto group = [](const char* key, checkpoint_value v) { return checkpoint_value::dict({{key, std::move(v)}}); };
    o.config = checkpoint_value::dict({{"dataloader", group("batch_size", items)},
                                       {"loss_function", group("_target_", "SNRLoss")},
                                       {"writer", group("run_name", name)}});
    return o;
  };
  const auto net = make_tiny({.threads = 1});
  trainer_options o = configured(2, "a");
  o.n_epochs = 1;
  ASSERT_EQ(run(*net, o), 0);
  o = configured(2, "b");
  o.resume_from = last_checkpoint;
  ASSERT_EQ(run(*net, o), 0);
  EXPECT_EQ(err.str(), "");
  o = configured(3, "b");
  o.resume_from = "checkpoint-previous.pth";
  ASSERT_EQ(run(*net, o), 0);
  EXPECT_TRUE(
      says(err.str().substr(0, err.str().size() - 1), "warning: ", "dataloader.batch_size was 2, is 3", "follows the new one"));
  EXPECT_EQ(err.str().find("loss_function"), std::string::npos);
}

TEST_F(training, the_best_is_sought_anew_when_something_else_is_watched) {
  const auto resumed = [&](const char* monitor, checkpoint_value config) {
    std::filesystem::remove(folder / "run" / best_checkpoint);
    trainer_options o = options("run");
    o.n_epochs = static_cast<std::int64_t>(++epochs_), o.monitor = monitor, o.config = std::move(config);
    if (epochs_ > 1) o.resume_from = last_checkpoint;
    err.str("");
    const auto net = make_tiny({.threads = 1});
    EXPECT_EQ(run(*net, o, rate_schedule(constant_rate(1e-12)), data()), 0);  // each epoch is as good as the one before
    return std::filesystem::exists(folder / "run" / best_checkpoint);
  };
  const auto config = [](const char* loss) {
    return checkpoint_value::dict({{"loss_function", checkpoint_value::dict({{"_target_", loss}})}});
  };
  EXPECT_TRUE(resumed("max val_si_snri", config("SNRLoss")));
  EXPECT_TRUE(resumed("min val_loss", config("SNRLoss")));  // which is above the best SI-SNR improvement
  EXPECT_TRUE(
      says(err.str().substr(0, err.str().size() - 1), "\"max val_si_snri\"", "\"min val_loss\" is watched now", "anew"));
  resumed("min val_loss", config("SNRLoss"));
  EXPECT_EQ(err.str(), "");
  resumed("min val_loss", config("SISNRLoss"));
  EXPECT_NE(err.str().find("by another loss: the best is sought anew"), std::string::npos) << err.str();
  resumed("min val_loss", config("SISNRLoss"));
  EXPECT_EQ(err.str(), "");
}

TEST_F(training, a_plateau_follows_what_is_watched_now_and_takes_a_new_rate) {
  const auto resumed = [&](const char* monitor, double lr) {
    trainer_options o = options("run");
    o.n_epochs = static_cast<std::int64_t>(++epochs_), o.monitor = monitor;
    o.config = checkpoint_value::dict({{"optimizer", checkpoint_value::dict({{"lr", lr}})}});
    if (epochs_ > 1) o.resume_from = last_checkpoint;
    const auto net = make_tiny({.threads = 1});
    const bool up = std::string_view(monitor).starts_with("max");
    EXPECT_EQ(run(*net, o, rate_schedule(plateau({.lr = lr, .higher_is_better = up, .patience = 0})), data()), 0);
    const checkpoint_value s = read_checkpoint(folder / "run" / last_checkpoint).lr_scheduler;
    return std::pair(*s.find("lr")->number(), *s.find("best")->number());
  };
  const auto [rate, improvement] = resumed("max val_si_snri", 1e-6);
  EXPECT_EQ(rate, 1e-6);
  const auto [other, loss] = resumed("min val_loss", 1e-6);
  EXPECT_EQ(other, 1e-6) << "the first loss is better than none";
  EXPECT_NE(loss, improvement);
  EXPECT_LE(resumed("min val_loss", 1e-7).first, 1e-7) << "the new rate, which may have fallen";
}

TEST_F(training, columns_of_a_resumed_runs_table_keep_their_names) {
  trainer_options o = options("run");
  o.n_epochs = 1;
  ASSERT_EQ(run(*make_tiny({.threads = 1}), o, rate_schedule(constant_rate(1e-12)), data()), 0);
  const std::string csv = (folder / "run/metrics.csv").string();
  std::string table = bytes_of_file(csv);
  const std::string head = table.substr(0, table.find('\n'));
  // As if the loss had had another part before.
  std::string old = head, rows = table.substr(head.size() + 1);
  old.replace(old.find(",grad_norm"), 0, ",gone");
  write_bytes(csv, old + "\n");
  o.n_epochs = 2, o.resume_from = last_checkpoint;
  ASSERT_EQ(run(*make_tiny({.threads = 1}), o, rate_schedule(constant_rate(1e-12)), data()), 0);
  table = bytes_of_file(csv);
  EXPECT_EQ(table.substr(0, table.find('\n')), old) << "no column is new";
  for (std::size_t at = 0, end; (end = table.find('\n', at)) != std::string::npos; at = end + 1)
    EXPECT_EQ(
        std::count(table.begin() + static_cast<std::ptrdiff_t>(at), table.begin() + static_cast<std::ptrdiff_t>(end), ','),
        std::count(old.begin(), old.end(), ','));
  // And one is new.
  std::string fewer = head;
  fewer.erase(fewer.find(",lr"), 3);
  write_bytes(csv, fewer + "\n1,1,train" +
                       std::string(static_cast<std::size_t>(std::count(fewer.begin(), fewer.end(), ',')) - 2, ',') + "\n");
  o.n_epochs = 3;
  ASSERT_EQ(run(*make_tiny({.threads = 1}), o, rate_schedule(constant_rate(1e-12)), data()), 0);
  table = bytes_of_file(csv);
  EXPECT_EQ(table.substr(0, table.find('\n')), fewer + ",lr");
  for (std::size_t at = 0, end; (end = table.find('\n', at)) != std::string::npos; at = end + 1)
    EXPECT_EQ(
        std::count(table.begin() + static_cast<std::ptrdiff_t>(at), table.begin() + static_cast<std::ptrdiff_t>(end), ','),
        std::count(head.begin(), head.end(), ','));
}

TEST_F(training, a_schedule_that_ends_before_the_run_is_refused_at_once) {
  const auto net = make_tiny({.threads = 1});
  trainer_options o = options("run");
  o.n_epochs = 3;  // of 6 steps, and the schedule has 12
  EXPECT_TRUE(says(error_of([&] { run(*net, o); }), "OneCycleLR ends after 12 more steps", "after 18", "trainer.n_epochs"));
  o.n_epochs = 2;
  ASSERT_EQ(run(*net, o, 11), 130);  // asked thrice in a validation
  o.resume_from = last_checkpoint, o.epoch_len = 9;
  EXPECT_TRUE(says(error_of([&] { run(*net, o); }), "ends after 4 more steps", "after 7", "trainer.epoch_len"));
  o.epoch_len = 6;
  EXPECT_EQ(run(*net, o), 0);
}

TEST_F(training, one_process_at_a_time) {
  trainer_options o = options("run");
  {
    const run_lock held = open_run_folder(o.folder, "");
    EXPECT_TRUE(
        says(error_of([&] { open_run_folder(o.folder, ""); }), "run", "another process is training there", "writer.run_name"));
  }
  const run_lock again = open_run_folder(o.folder, "");
}

TEST_F(training, refuses) {
  const auto net = make_tiny({.threads = 1});
  const auto refused = [&](trainer_options o) { return error_of([&] { run(*net, o); }); };
  ASSERT_EQ(run(*net, options("run")), 0);
  EXPECT_TRUE(says(refused(options("run")), "a run is there already", "writer.run_name", "trainer.resume_from"));
  trainer_options o = options("run");
  o.resume_from = "checkpoint-epoch9.pth";
  EXPECT_TRUE(says(refused(o), "checkpoint-epoch9.pth", "no such checkpoint"));
  o.resume_from = "../run/model_best.pth";
  EXPECT_TRUE(says(refused(o), "without a folder"));
  o.resume_from = last_checkpoint, o.seed = 2;
  EXPECT_TRUE(says(refused(o), "the seed 1", "says 2"));
  o.seed = 1;
  EXPECT_TRUE(says(error_of([&] { run(*net, o, rate_schedule(constant_rate(1)), data()); }), "OneCycleLR", "constant"));
  const auto sgd = make_tiny({.optimiser = sgd_config{.momentum = 0.5}, .threads = 1});
  EXPECT_TRUE(says(error_of([&] { run(*sgd, o); }), "momentum_buffer", "encoder.weight", "missing"));
  const auto large = make_overfit({.threads = 1});
  EXPECT_TRUE(says(error_of([&] { run(*large, o); }), "convtasnet_tiny", "overfit"));
  o = options("fresh");
  o.monitor = "max val_pesq";
  EXPECT_TRUE(says(refused(o), "val_pesq", "val_si_snri"));
  o.monitor = "max test_si_snri";
  EXPECT_TRUE(says(refused(o), "test_si_snri", "val_si_snri"));
  o.monitor = "best val_loss";
  EXPECT_TRUE(says(refused(o), "max METRIC"));
  EXPECT_FALSE(std::filesystem::exists(folder / "fresh"));
}

}  // namespace
}  // namespace avss
