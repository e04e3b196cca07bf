// The training loop.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/batch.hpp>
#include <avss/dist/worker_group.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/tensor.hpp>
#include <avss/train/batches.hpp>
#include <avss/train/checkpoint.hpp>
#include <avss/train/config_change.hpp>
#include <avss/train/loss_parts.hpp>
#include <avss/train/monitor.hpp>
#include <avss/train/progress.hpp>
#include <avss/train/rate_schedule.hpp>
#include <avss/train/run_folder.hpp>
#include <avss/train/state_fields.hpp>
#include <avss/train/tracker.hpp>
#include <avss/train/trainable.hpp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <new>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

struct trainer_options {
  std::filesystem::path folder;
  std::string resume_from;  // a checkpoint's name in the folder; "": a new run
  std::int64_t n_epochs = 1;
  std::int64_t epoch_len = 0;   // steps; 0: the training items once
  dim_t batch_size = 1;         // of all workers of a group together
  std::int64_t accumulate = 1;  // batches a step; their gradients are averaged
  double max_grad_norm = std::numeric_limits<double>::infinity();
  std::int64_t log_step = 50;
  std::int64_t save_period = 1;  // epochs between the checkpoints that are kept; 0: none is
  std::int64_t save_steps = 0;   // steps between saves of the last checkpoint; 0: at the end of an epoch only
  std::int64_t early_stop = 0;   // epochs without improvement that end the run; 0: none do
  std::string monitor = "max val_si_snri";
  bool skip_oom = true;             // a step that memory is not enough for is left out as one that is not finite
  std::int64_t max_bad_steps = 10;  // steps without a finite loss and gradient, in a row, that end the run
  std::int64_t seed = 1;            // recorded; a resumed run must have the same
  bool terminal = false;            // `out` is one
  checkpoint_value config;
  // Those that train together: each calls the same with a network and data of its own, which give the same. Null: nobody else.
  worker_group* group = nullptr;
};

// What a network is measured on after every epoch; its metrics are named NAME_METRIC.
struct evaluation_part {
  std::string name;
  batch_maker make;
  std::int64_t items = 0;
};

struct training_data {
  batch_maker train;
  std::int64_t train_items = 0;  // 0: endless
  std::vector<evaluation_part> parts;
};

// Steps per epoch. Batches are whole: of a fixed number of items, the rest is left to the next epoch's order.
inline std::int64_t steps_per_epoch(std::int64_t epoch_len, std::int64_t items, std::int64_t items_per_step) {
  if (epoch_len > 0) return epoch_len;
  if (items == 0) fail("the training items are endless: say how many steps are an epoch, trainer.epoch_len=N");
  if (items < items_per_step)
    fail("a step needs ", items_per_step, " items and there are ", items, "; choose a smaller dataloader.batch_size");
  return items / items_per_step;
}

// Items of a batch that are each worker's. Throws error where they are not equally many.
inline dim_t share_of(dim_t batch_size, const worker_group* group) {
  const int workers = group ? group->size() : 1;
  if (batch_size % workers != 0)
    fail("dataloader.batch_size=", batch_size, ": ", workers, " processes cannot have equal shares of a batch; choose a ",
         "multiple of ", workers);
  return batch_size / workers;
}

// Runs epochs of steps, a validation after each, and keeps in the folder checkpoint-last.pth (and -previous), model_best.pth,
// checkpoint-epochN.pth, metrics.jsonl and metrics.csv. A run resumed from any checkpoint gives, bit for bit, the weights
// that it would have given uninterrupted. Of a group of workers each computes an equal share of every batch, and the first
// alone writes; all end in the same way at the same step.
class trainer {
 public:
  // `stop` is asked between batches; `follower`, if any, must outlive the trainer. Throws error, also from run().
  trainer(trainable& net, rate_schedule schedule, training_data data, trainer_options options, std::ostream& out,
          std::ostream& err, std::function<bool()> stop = {}, tracker* follower = nullptr)
      : net_(net),
        schedule_(std::move(schedule)),
        data_(std::move(data)),
        o_(std::move(options)),
        group_(o_.group ? *o_.group : alone_),
        stop_(std::move(stop)),
        follower_(follower),
        err_(err),
        monitor_(o_.monitor, names_of(data_.parts), net.info().metrics),
        bar_(out, o_.terminal),
        share_(share_of(o_.batch_size, o_.group)),
        epoch_len_(steps_per_epoch(o_.epoch_len, data_.train_items, o_.batch_size * o_.accumulate)) {
    if (o_.n_epochs < 1 || o_.batch_size < 1 || o_.accumulate < 1 || o_.log_step < 1 || o_.max_bad_steps < 1)
      fail("a run needs at least one epoch, item a batch, batch a step, step a log line and bad step that ends it");
    if (schedule_.needs_metric() && !monitor_.on())
      fail("the schedule ", schedule_.name(), " follows the monitored metric: set trainer.monitor and a validation set");
    c_.best = monitor_.worst();
  }

  // Makes the run folder, or reads the checkpoint that it is to go on from.
  void open() {
    if (group_.first()) lock_ = open_run_folder(o_.folder, o_.resume_from);
    // A run killed in its first steps can be resumed as well, and a disk that is full is noticed now.
    if (o_.resume_from.empty())
      save();
    else
      resume_in_turn();
    open_ = true;
    if (!group_.first()) return;
    std::vector<std::string> columns = net_.info().metrics;
    columns.insert(columns.end(), {"grad_norm", "lr", "items_per_second", "skipped"});
    log_.emplace(o_.folder, columns, o_.resume_from.empty() ? -1 : c_.step);
    if (follower_) follower_->begin(c_.step, !o_.resume_from.empty());
  }

  // 0: all epochs are done, or early_stop ended them; 130: stopped, and saved. Throws error where the run has diverged: no
  // step of an epoch had a finite loss and gradient, or the last validation has no finite loss.
  int run() {
    if (!open_) open();
    if (c_.epoch >= o_.n_epochs)
      bar_.line((c_.epoch == 1 ? "the one epoch is" : "all " + std::to_string(c_.epoch) + " epochs are") +
                " done already; to go on, raise trainer.n_epochs");
    try {
      while (c_.epoch < o_.n_epochs && !stops_early()) run_epoch();
    } catch (const stopped&) {
      save();
      bar_.line("stopped at step " + std::to_string(c_.step) + "; continue with trainer.resume_from=" + last_checkpoint);
      return 130;
    }
    if (!finite_)
      fail("the run is at its end, and a loss of its last validation is not finite: it has diverged; lower the learning rate ",
           "or look at the data; ", last_saved());
    if (follower_) follower_->end(c_.step);
    if (monitor_.on() && c_.best == monitor_.worst())
      bar_.line("no validation gave " + monitor_.name() + " a value: there is no " + best_checkpoint);
    return 0;
  }

  std::int64_t step() const { return c_.step; }
  std::int64_t skipped() const { return c_.skipped; }
  double best() const { return c_.best; }

 private:
  struct stopped {};

  struct counters {
    std::int64_t step = 0, epoch = 0, epoch_step = 0, next_item = 0, skipped = 0, bad_in_row = 0, best_epoch = 0;
    double best = 0;
    // Of the good steps since the last log line, and of this epoch.
    std::int64_t log_steps = 0, epoch_steps = 0;
    double log_loss = 0, log_norm = 0, epoch_loss = 0, epoch_norm = 0;

    template <class C, class V>
    static void visit(C& c, V&& v) {
      v("step", c.step), v("epoch", c.epoch), v("epoch_step", c.epoch_step), v("next_item", c.next_item);
      v("skipped", c.skipped), v("bad_in_row", c.bad_in_row), v("best_epoch", c.best_epoch), v("best", c.best);
      v("log_steps", c.log_steps), v("epoch_steps", c.epoch_steps), v("log_loss", c.log_loss), v("log_norm", c.log_norm);
      v("epoch_loss", c.epoch_loss), v("epoch_norm", c.epoch_norm);
    }
  };

  void check_stop() {
    if (group_.any(stop_ && stop_())) throw stopped();
  }

  // Asked before each epoch, so that a run that ended so does not go on when it is resumed.
  bool stops_early() {
    if (o_.early_stop == 0 || !monitor_.on() || c_.epoch_step > 0 || c_.epoch - c_.best_epoch < o_.early_stop) return false;
    bar_.line("stopped early: no better " + monitor_.name() + " in " + std::to_string(o_.early_stop) + " epochs");
    return true;
  }

  void run_epoch() {
    // A fixed set's epoch starts with its own first item, whatever the last one left over.
    if (o_.epoch_len == 0 && c_.epoch_step == 0) c_.next_item = c_.epoch * data_.train_items;
    bar_.restart_rate();
    while (c_.epoch_step < epoch_len_) {
      check_stop();
      train_step();
      if (c_.epoch_step % o_.log_step == 0) log_train();
      if (o_.save_steps > 0 && c_.step % o_.save_steps == 0 && c_.epoch_step < epoch_len_) save();
    }
    if (c_.epoch_steps == 0)
      fail("epoch ", c_.epoch + 1, ": none of its ", epoch_len_, " steps had a finite loss and gradient; lower the learning ",
           "rate or look at the data; ", last_saved());
    std::vector<std::vector<named_value>> metrics;
    for (const evaluation_part& p : data_.parts) metrics.push_back(evaluate(p));
    finish_epoch(metrics);
  }

  void train_step() {
    const rates r = schedule_.now();
    double loss = std::numeric_limits<double>::quiet_NaN(), norm = loss;
    loss_parts parts;
    try {
      loss = add_gradients(parts);
    } catch (const std::bad_alloc&) {
      // Of a group the others may be in the middle of a sum with this one by now.
      if (!o_.skip_oom || group_.size() > 1) throw;
    }
    loss = group_.sum_of(loss);
    parts.sum_over(group_);
    const std::int64_t items = o_.accumulate * o_.batch_size;
    c_.next_item += items;
    if (std::isfinite(loss))
      norm = net_.apply(o_.max_grad_norm, r);
    else
      net_.discard();
    ++c_.step, ++c_.epoch_step;
    if (std::isfinite(norm)) {
      schedule_.after_step();
      c_.bad_in_row = 0;
      ++c_.log_steps, ++c_.epoch_steps;
      c_.log_loss += loss, c_.log_norm += norm, c_.epoch_loss += loss, c_.epoch_norm += norm;
      log_parts_.add(parts), epoch_parts_.add(parts);
    } else {
      ++c_.skipped;
      if (++c_.bad_in_row >= o_.max_bad_steps) {
        const std::string kept = keep_batch();
        fail("step ", c_.step, ": ", std::isfinite(loss) ? "the gradient's norm" : "the loss",
             " is not finite, and so it was in ", c_.bad_in_row,
             " steps in a row; lower the learning rate or look at the data: ", kept, " holds the last batch; ", last_saved());
      }
    }
    bar_.step(items, point(r));
  }

  // Of a step's batches, this worker's part of the mean loss and of the means of the loss's parts.
  double add_gradients(loss_parts& parts) {
    double loss = 0;
    const double weight = 1.0 / static_cast<double>(o_.accumulate * group_.size());
    for (std::int64_t k = 0; k < o_.accumulate; ++k) {
      data_.train(static_cast<std::uint64_t>(c_.next_item + k * o_.batch_size + group_.rank() * share_), share_, batch_);
      const std::vector<named_value> values = net_.train_step(batch_, weight);
      loss += weight * values.front().value;
      parts.add(values, weight);
    }
    return loss;
  }

  // The batch that the run ends at, to be looked at: mixtures, targets and the faces' features.
  std::string keep_batch() {
    const std::string path = (o_.folder / ("bad-batch-step" + std::to_string(c_.step) + ".npz")).string();
    if (group_.first()) {
      // The others' items as well.
      if (group_.size() > 1) data_.train(static_cast<std::uint64_t>(c_.next_item - o_.batch_size), o_.batch_size, batch_);
      write_batch(path);
    }
    group_.barrier();
    return path;
  }

  void write_batch(const std::string& path) const {
    tensor_dict arrays;
    arrays.add("mixtures", tensor::of<float>({batch_.size, batch_.length}, batch_.mixtures));
    arrays.add("targets", tensor::of<float>({batch_.size, batch_.sources, batch_.length}, batch_.targets));
    const video_extent v = batch_.video;
    if (v.size() > 0) arrays.add("features", tensor::of<float>({batch_.size, v.faces, v.channels, v.frames}, batch_.features));
    write_npz(path, arrays);
  }

  // It may be of a step when the weights had diverged already.
  std::string last_saved() const {
    return (o_.folder / last_checkpoint).string() + " is of step " + std::to_string(saved_step_);
  }

  progress::point point(const rates& r) const {
    return {c_.epoch + 1,
            o_.n_epochs,
            c_.epoch_step,
            epoch_len_,
            mean(c_.log_loss, c_.log_steps),
            r.lr,
            c_.skipped,
            (o_.n_epochs - c_.epoch) * epoch_len_ - c_.epoch_step};
  }
  static double mean(double sum, std::int64_t n) { return n > 0 ? sum / static_cast<double>(n) : std::nan(""); }

  void log_train() {
    const rates r = schedule_.now();
    const double speed = bar_.log(point(r));
    record("train", c_.epoch + 1, log_parts_.means(mean(c_.log_loss, c_.log_steps), c_.log_steps),
           {{"grad_norm", mean(c_.log_norm, c_.log_steps)},
            {"lr", r.lr},
            {"items_per_second", speed},
            {"steps_per_second", speed / static_cast<double>(o_.accumulate * o_.batch_size)},
            {"skipped", static_cast<double>(c_.skipped)},
            {"epoch", static_cast<double>(c_.epoch + 1)}});
    c_.log_steps = 0, c_.log_loss = c_.log_norm = 0;
    log_parts_.clear();
  }

  // A line of metrics.jsonl and metrics.csv, which have columns for what they know, and all of it to the follower.
  void record(const std::string& partition, std::int64_t epoch, std::vector<named_value> losses,
              const std::vector<named_value>& others) {
    if (follower_) follower_->scalars(c_.step, partition, losses, others);
    losses.insert(losses.end(), others.begin(), others.end());
    if (log_) log_->write(c_.step, epoch, partition, losses);
  }

  static std::vector<std::string> names_of(const std::vector<evaluation_part>& parts) {
    std::vector<std::string> names;
    for (const evaluation_part& p : parts) names.push_back(p.name);
    return names;
  }

  std::vector<named_value> evaluate(const evaluation_part& part) {
    std::vector<named_value> sums;
    for (const std::string& m : net_.info().metrics) sums.push_back({m, 0, 0});
    for (std::int64_t n = 0; n < part.items; n += o_.batch_size) {
      check_stop();
      const std::int64_t from = n + group_.rank() * share_;
      if (from >= part.items) continue;  // the last batch is smaller
      part.make(static_cast<std::uint64_t>(from), std::min<dim_t>(share_, part.items - from), batch_);
      const std::vector<named_value> values = net_.evaluate(batch_);
      if (follower_ && group_.size() == 1) show(part.name, n);
      for (std::size_t i = 0; i < sums.size(); ++i)
        if (values[i].items > 0) sums[i].value += values[i].value * values[i].items, sums[i].items += values[i].items;
    }
    if (follower_ && group_.size() > 1) evaluate_shown(part);
    for (named_value& s : sums) {
      s.value = group_.sum_of(s.value), s.items = group_.sum_of(s.items);
      s.value = s.items > 0 ? s.value / s.items : std::nan("");
    }
    return sums;
  }

  // Those that are shown are the first worker's and the others': it makes them all once more.
  void evaluate_shown(const evaluation_part& part) {
    const std::int64_t shown = std::min(part.items, follower_->examples());
    for (std::int64_t n = 0; n < shown; n += share_) {
      part.make(static_cast<std::uint64_t>(n), std::min<dim_t>(share_, shown - n), batch_);
      net_.evaluate(batch_);
      show(part.name, n);
    }
  }

  // Items of the batch that was evaluated, which begins with item `first`, as far as they are wanted.
  void show(const std::string& partition, std::int64_t first) {
    const std::span<const float> estimates = net_.estimates();
    if (estimates.size() != batch_.targets.size()) return;
    for (std::int64_t i = 0; i < batch_.size && first + i < follower_->examples(); ++i) {
      const auto part = [i](std::span<const float> all, dim_t size) {
        return all.subspan(static_cast<std::size_t>(i * size), static_cast<std::size_t>(size));
      };
      const dim_t n = batch_.length, sn = batch_.sources * n;
      follower_->example(c_.step, {partition, first + i, net_.info().sample_rate, batch_.sources, part(batch_.mixtures, n),
                                   part(batch_.targets, sn), part(estimates, sn)});
    }
  }

  // metrics: of each part, in their order.
  void finish_epoch(const std::vector<std::vector<named_value>>& metrics) {
    double watched = std::nan("");
    finite_ = true;
    for (std::size_t p = 0; p < metrics.size(); ++p)
      for (const named_value& m : metrics[p]) {
        if (data_.parts[p].name + "_" + m.name == monitor_.name()) watched = m.value;
        if (m.name == "loss") finite_ = finite_ && std::isfinite(m.value);
      }
    schedule_.after_epoch(watched);
    ++c_.epoch;
    const bool better = monitor_.improves(watched, c_.best);
    if (better) c_.best = watched, c_.best_epoch = c_.epoch;

    std::string line = "epoch " + std::to_string(c_.epoch) + " done: train loss " + fixed(mean(c_.epoch_loss, c_.epoch_steps));
    for (std::size_t p = 0; p < metrics.size(); ++p)
      for (const named_value& m : metrics[p]) line += ", " + data_.parts[p].name + " " + m.name + " " + fixed(m.value);
    bar_.line(line + (better ? " (best)" : ""));
    record("train_epoch", c_.epoch, epoch_parts_.means(mean(c_.epoch_loss, c_.epoch_steps), c_.epoch_steps),
           {{"grad_norm", mean(c_.epoch_norm, c_.epoch_steps)}});
    for (std::size_t p = 0; p < metrics.size(); ++p) record_evaluation(data_.parts[p].name, metrics[p]);
    if (follower_ && monitor_.on()) follower_->scalars(c_.step, "best", {}, {{monitor_.name(), c_.best}});
    c_.epoch_step = c_.epoch_steps = c_.log_steps = 0;
    c_.epoch_loss = c_.epoch_norm = c_.log_loss = c_.log_norm = 0;
    log_parts_.clear(), epoch_parts_.clear();

    std::vector<std::string> names;
    if (o_.save_period > 0 && c_.epoch % o_.save_period == 0)
      names.push_back("checkpoint-epoch" + std::to_string(c_.epoch) + ".pth");
    if (better) names.emplace_back(best_checkpoint);
    save(names);
  }

  void record_evaluation(const std::string& part, const std::vector<named_value>& metrics) {
    std::vector<named_value> losses, others;
    for (const named_value& m : metrics) (m.name == "loss" || epoch_parts_.has(m.name) ? losses : others).push_back(m);
    record(part, c_.epoch, std::move(losses), others);
  }

  static std::string fixed(double v) {
    char text[64];
    std::snprintf(text, sizeof text, "%.4f", v);
    return text;
  }

  void save(const std::vector<std::string>& also = {}) {
    saved_step_ = c_.step;
    if (group_.first()) store(also);
  }

  void store(const std::vector<std::string>& also) {
    training_state s = net_.state(schedule_.now());
    state_writer w;
    w.fields = {{"version", 1},
                {"model", net_.info().name},
                {"sample_rate", net_.info().sample_rate},
                {"schedule", schedule_.name()},
                {"optimiser_steps", s.optimiser_steps},
                {"seed", o_.seed}};
    counters::visit(c_, w);
    w.fields.emplace_back("log_parts", log_parts_.state());
    w.fields.emplace_back("epoch_parts", epoch_parts_.state());
    store_checkpoint(
        o_.folder,
        {net_.info().arch, c_.epoch, c_.step, std::move(s.weights), std::move(s.trained_weights), std::move(s.optimizer),
         schedule_.state(), c_.best, o_.config, checkpoint_value::dict(std::move(w.fields))},
        also);
  }

  // The first worker may put a damaged checkpoint aside, and the others then find what it found.
  void resume_in_turn() {
    if (!group_.first()) group_.barrier();
    resume();
    if (group_.first()) group_.barrier();
  }

  void resume() {
    std::filesystem::path taken;
    checkpoint c = resume_checkpoint(
        o_.folder, o_.resume_from, [&](const std::string& w) { err_ << "warning: " << one_line(w) << std::endl; }, taken);
    const std::string origin = taken.string();
    const state_reader r(c.avss, origin, "avss");
    const auto same = [&](const char* what, const auto& theirs, const auto& ours) {
      if (theirs != ours)
        fail(origin, ": its run has ", what, " ", theirs, " and the configuration says ", ours,
             "; resume with what it was started with, or take its weights alone with trainer.from_pretrained");
    };
    same("model", r.text("model"), net_.info().name);
    same("the seed", r.integer("seed"), o_.seed);
    same("the schedule", r.text("schedule"), std::string(schedule_.name()));
    warn_of_changes(c.config, origin);
    counters read;
    counters::visit(read, r);
    log_parts_.restore(c.avss.find("log_parts"), origin + ": avss.log_parts");
    epoch_parts_.restore(c.avss.find("epoch_parts"), origin + ": avss.epoch_parts");
    net_.restore({std::move(c.weights), std::move(c.trained_weights), c.optimizer, r.integer("optimiser_steps")}, origin);
    schedule_.restore(c.lr_scheduler, origin);
    c_ = read;
    saved_step_ = c_.step;
    bar_.line("resumed from " + origin + ": epoch " + std::to_string(c_.epoch + 1) + ", step " + std::to_string(c_.step));
  }

  // Another batch size, loss or data set is allowed, but the run is then neither the old nor the new one.
  void warn_of_changes(const checkpoint_value& before, const std::string& origin) {
    const std::vector<std::string> changes = config_changes(
        before, o_.config,
        {"trainer.resume_from", "trainer.save_dir", "trainer.log_step", "trainer.examples_to_log_on_val", "trainer.save_period",
         "trainer.save_steps", "trainer.override", "writer", "dataloader.num_workers", "dataloader.prefetch_factor"});
    if (changes.empty()) return;
    std::string all;
    for (const std::string& c : changes) all += (all.empty() ? "" : "; ") + c;
    err_ << "warning: " << one_line(origin) << ": was written with another configuration: " << one_line(all)
         << ": from here on the run follows the new one" << std::endl;
  }

  trainable& net_;
  rate_schedule schedule_;
  training_data data_;
  trainer_options o_;
  worker_group alone_;
  worker_group& group_;
  bool open_ = false;
  std::function<bool()> stop_;
  tracker* follower_;
  std::ostream& err_;
  monitor monitor_;
  progress bar_;
  dim_t share_;  // items of a batch that are this worker's
  std::int64_t epoch_len_;
  counters c_;
  loss_parts log_parts_, epoch_parts_;  // as c_'s sums of the loss
  std::int64_t saved_step_ = 0;
  bool finite_ = true;              // the losses of the last validation of this call
  std::optional<run_lock> lock_;    // once the folder is open; the first worker's alone
  std::optional<metrics_log> log_;  // likewise
  batch batch_;
};

}  // namespace avss
