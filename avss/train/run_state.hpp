// A training run to and from its checkpoints.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/train/checkpoint.hpp>
#include <avss/train/config_change.hpp>
#include <avss/train/rate_schedule.hpp>
#include <avss/train/run_counters.hpp>
#include <avss/train/state_fields.hpp>
#include <avss/train/trainable.hpp>
#include <avss/train/trainer_options.hpp>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// All of a run that changes from step to step, and what it was told.
struct run_state {
  trainable& net;
  rate_schedule& schedule;
  run_counters& counters;
  const trainer_options& options;
};

// Stores it as the folder's last checkpoint; `also` are further names of it. Throws error.
inline void store_run(const run_state& run, const std::vector<std::string>& also = {}) {
  const trainable_info& net = run.net.info();
  const run_counters& c = run.counters;
  training_state s = run.net.state(run.schedule.now());
  std::vector<checkpoint_value::field> fields{{"version", 1},
                                              {"model", net.name},
                                              {"sample_rate", net.sample_rate},
                                              {"schedule", run.schedule.name()},
                                              {"optimiser_steps", s.optimiser_steps},
                                              {"seed", run.options.seed}};
  for (checkpoint_value::field& f : c.fields()) fields.push_back(std::move(f));
  store_checkpoint(run.options.folder,
                   {net.arch, c.epoch, c.step, std::move(s.weights), std::move(s.trained_weights), std::move(s.optimizer),
                    run.schedule.state(), c.best, run.options.config, checkpoint_value::dict(std::move(fields))},
                   also);
}

namespace detail {

// Another batch size, loss or data set is allowed, but the run is then neither the old nor the new one.
inline std::vector<std::string> changes_that_matter(const checkpoint_value& before, const checkpoint_value& now) {
  return config_changes(before, now,
                        {"trainer.resume_from", "trainer.from_pretrained", "trainer.save_dir", "trainer.log_step",
                         "trainer.examples_to_log_on_val", "trainer.save_period", "trainer.save_steps", "trainer.override",
                         "writer", "dataloader.num_workers", "dataloader.prefetch_factor"});
}

inline void warn_of_changes(const std::vector<std::string>& changes, const std::string& origin, std::ostream& err) {
  if (changes.empty()) return;
  std::string all;
  for (const std::string& c : changes) all += (all.empty() ? "" : "; ") + c;
  err << "warning: " << one_line(origin) << ": was written with another configuration: " << one_line(all)
      << ": from here on the run follows the new one" << std::endl;
}

// The best so far says nothing once another metric is watched, or a loss that is another one now. Whoever has no name for what
// was watched is believed.
// Returns whether it was forgotten.
inline bool forget_best(run_counters& before, const run_counters& now, bool loss_changed, const std::string& origin,
                        std::ostream& err) {
  const bool other = !before.monitored.empty() && before.monitored != now.monitored;
  const bool forget = other || (loss_changed && now.monitored.ends_with("_loss"));
  if (forget) {
    before.best = now.best, before.best_epoch = before.epoch;
    err << "warning: " << one_line(origin) << ": its best value is of \"" << one_line(before.monitored)
        << (other ? "\", and \"" + now.monitored + "\" is watched now" : "\" by another loss") << ": the best is sought anew"
        << std::endl;
  }
  before.monitored = now.monitored;
  return forget;
}

}  // namespace detail

// Makes it what the checkpoint options.resume_from was stored of; warnings go to `err`. Returns the path of the file that was
// taken. Throws error, also for a run of another network, seed or schedule.
inline std::string resume_run(const run_state& run, std::ostream& err) {
  std::filesystem::path taken;
  checkpoint c = resume_checkpoint(
      run.options.folder, run.options.resume_from,
      [&](const std::string& w) { err << "warning: " << one_line(w) << std::endl; }, taken);
  const std::string origin = taken.string();
  const state_reader r(c.avss, origin, "avss");
  const auto same = [&](const char* what, const auto& theirs, const auto& ours) {
    if (theirs != ours)
      fail(origin, ": its run has ", what, " ", theirs, " and the configuration says ", ours,
           "; resume with what it was started with, or take its weights alone with trainer.from_pretrained");
  };
  same("model", r.text("model"), run.net.info().name);
  same("the seed", r.integer("seed"), run.options.seed);
  same("the schedule", r.text("schedule"), std::string(run.schedule.name()));
  const std::vector<std::string> changes = detail::changes_that_matter(c.config, run.options.config);
  detail::warn_of_changes(changes, origin, err);
  run_counters counters = run_counters::read(c.avss, origin);
  const auto changed = [&](std::string_view key) {
    return std::any_of(changes.begin(), changes.end(), [&](const std::string& change) { return change.starts_with(key); });
  };
  const bool forgot = detail::forget_best(counters, run.counters, changed("loss_function"), origin, err);
  run.net.restore({std::move(c.weights), std::move(c.trained_weights), c.optimizer, r.integer("optimiser_steps")}, origin);
  run.schedule.restore(c.lr_scheduler, origin);
  if (forgot) run.schedule.forget_metric();
  if (changed("optimizer.lr was ")) run.schedule.restart_rate();
  run.counters = std::move(counters);
  return origin;
}

}  // namespace avss
