// The training loop.
#pragma once

#include <avss/core/error.hpp>
#include <avss/data/batch.hpp>
#include <avss/dist/worker_group.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/tensor.hpp>
#include <avss/train/checkpoint.hpp>
#include <avss/train/evaluation.hpp>
#include <avss/train/loss_parts.hpp>
#include <avss/train/monitor.hpp>
#include <avss/train/progress.hpp>
#include <avss/train/rate_schedule.hpp>
#include <avss/train/run_counters.hpp>
#include <avss/train/run_folder.hpp>
#include <avss/train/run_log.hpp>
#include <avss/train/run_state.hpp>
#include <avss/train/tracker.hpp>
#include <avss/train/trainable.hpp>
#include <avss/train/trainer_options.hpp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <new>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace avss {

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
        err_(err),
        monitor_(o_.monitor, names_of(data_.parts), net.info().metrics),
        bar_(out, o_.terminal),
        share_(share_of(o_.batch_size, o_.group)),
        epoch_len_(steps_per_epoch(o_.epoch_len, data_.train_items, o_.batch_size * o_.accumulate)),
        log_(follower),
        evaluate_(net, group_, o_.batch_size, log_, [this] { check_stop(); }) {
    if (o_.n_epochs < 1 || o_.batch_size < 1 || o_.accumulate < 1 || o_.log_step < 1 || o_.max_bad_steps < 1)
      fail("a run needs at least one epoch, item a batch, batch a step, step a log line and bad step that ends it");
    if (schedule_.needs_metric() && !monitor_.on())
      fail("the schedule ", schedule_.name(), " follows the monitored metric: set trainer.monitor and a validation set");
    c_.best = monitor_.worst();
    c_.monitored = monitor_.spec();
  }

  // Makes the run folder, or reads the checkpoint that it is to go on from.
  void open() {
    if (group_.first()) lock_ = open_run_folder(o_.folder, o_.resume_from);
    // A run killed in its first steps can be resumed as well, and a disk that is full is noticed now.
    if (!o_.resume_from.empty()) resume_in_turn();
    check_schedule();
    if (o_.resume_from.empty()) save();
    open_ = true;
    if (!group_.first()) return;
    std::vector<std::string> columns = net_.info().metrics;
    columns.insert(columns.end(), {"grad_norm", "lr", "items_per_second", "skipped"});
    log_.begin(o_.folder, std::move(columns), c_.step, !o_.resume_from.empty());
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
    if (c_.diverged)
      fail("the run is at its end, and a loss of its last validation is not finite: it has diverged; lower the learning rate ",
           "or look at the data; ", last_saved());
    log_.end(c_.step);
    if (monitor_.on() && c_.best == monitor_.worst())
      bar_.line("no validation gave " + monitor_.name() + " a value: there is no " + best_checkpoint);
    return 0;
  }

  std::int64_t step() const { return c_.step; }
  std::int64_t skipped() const { return c_.skipped; }
  double best() const { return c_.best; }

 private:
  struct stopped {};

  // A schedule of so many steps must reach to the end of the run: it would break off within it.
  void check_schedule() const {
    const std::int64_t epochs = o_.n_epochs - c_.epoch, steps = epochs * epoch_len_ - c_.epoch_step;
    const std::optional<std::int64_t> left = schedule_.advances_left();
    const std::int64_t wanted = schedule_.per_epoch() ? epochs : steps;
    if (left && wanted > *left)
      fail("the schedule ", schedule_.name(), " ends after ", *left, schedule_.per_epoch() ? " more epochs" : " more steps",
           " and the run after ", wanted,
           o_.resume_from.empty() ? "" : ": a run is resumed with the trainer.epoch_len and batch size that it was begun with",
           "; lower trainer.n_epochs, or raise lr_scheduler.epochs");
  }

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
    if (c_.this_epoch.steps == 0)
      fail("epoch ", c_.epoch + 1, ": none of its ", epoch_len_, " steps had a finite loss and gradient; lower the learning ",
           "rate or look at the data; ", last_saved());
    std::vector<std::vector<named_value>> metrics;
    for (const evaluation_part& p : data_.parts) metrics.push_back(evaluate_(p, c_.step));
    finish_epoch(metrics);
  }

  void train_step() {
    const rates r = schedule_.now();
    double loss = std::numeric_limits<double>::quiet_NaN(), norm = loss;
    loss_parts parts;
    std::string memory;  // why it did not suffice
    try {
      loss = add_gradients(parts);
    } catch (const std::bad_alloc&) {
      if (!skips_oom()) throw;
      memory = "out of memory";
    } catch (const out_of_memory& e) {
      if (!skips_oom()) throw;
      memory = e.what();
    }
    if (!memory.empty()) bar_.line("step " + std::to_string(c_.step + 1) + " is left out: " + memory);
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
      c_.since_log.add(loss, norm, parts), c_.this_epoch.add(loss, norm, parts);
    } else {
      ++c_.skipped;
      if (++c_.bad_in_row >= o_.max_bad_steps) {
        if (!memory.empty())
          fail("step ", c_.step, ": ", memory, "; none of the last ", c_.bad_in_row,
               " steps was taken: lower dataloader.batch_size, or set trainer.recompute=true; ", last_saved());
        const std::string kept = keep_batch();
        fail("step ", c_.step, ": ", std::isfinite(loss) ? "the gradient's norm" : "the loss",
             " is not finite, and so it was in ", c_.bad_in_row,
             " steps in a row; lower the learning rate or look at the data: ", kept, " holds the last batch; ", last_saved());
      }
    }
    bar_.step(items, point(r));
  }

  // Of a group the others may be in the middle of a sum with this one by now.
  bool skips_oom() const { return o_.skip_oom && group_.size() == 1; }

  // Of a step's batches, this worker's part of the mean loss and of the means of the loss's parts.
  double add_gradients(loss_parts& parts) {
    double loss = 0;
    const double weight = 1.0 / static_cast<double>(o_.accumulate * group_.size());
    for (std::int64_t k = 0; k < o_.accumulate; ++k) {
      bar_.wait([&] {
        data_.train(static_cast<std::uint64_t>(c_.next_item + k * o_.batch_size + group_.rank() * share_), share_, batch_);
      });
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
            c_.since_log.mean_loss(),
            r.lr,
            c_.skipped,
            (o_.n_epochs - c_.epoch) * epoch_len_ - c_.epoch_step};
  }

  void log_train() {
    const rates r = schedule_.now();
    const progress::speed speed = bar_.log(point(r));
    log_.write(c_.step, c_.epoch + 1, "train", c_.since_log.mean_losses(),
               {{"grad_norm", c_.since_log.mean_norm()},
                {"lr", r.lr},
                {"items_per_second", speed.items},
                {"steps_per_second", speed.items / static_cast<double>(o_.accumulate * o_.batch_size)},
                {"waiting_for_data", speed.waiting},
                {"skipped", static_cast<double>(c_.skipped)},
                {"epoch", static_cast<double>(c_.epoch + 1)}});
    c_.since_log.clear();
  }

  static std::vector<std::string> names_of(const std::vector<evaluation_part>& parts) {
    std::vector<std::string> names;
    for (const evaluation_part& p : parts) names.push_back(p.name);
    return names;
  }

  // metrics: of each part, in their order.
  void finish_epoch(const std::vector<std::vector<named_value>>& metrics) {
    double watched = std::nan("");
    c_.diverged = false;
    for (std::size_t p = 0; p < metrics.size(); ++p)
      for (const named_value& m : metrics[p]) {
        if (data_.parts[p].name + "_" + m.name == monitor_.name()) watched = m.value;
        if (m.name == "loss") c_.diverged = c_.diverged || !std::isfinite(m.value);
      }
    schedule_.after_epoch(watched);
    ++c_.epoch;
    const bool better = monitor_.improves(watched, c_.best);
    if (better) c_.best = watched, c_.best_epoch = c_.epoch;

    std::string line = "epoch " + std::to_string(c_.epoch) + " done: train loss " + fixed(c_.this_epoch.mean_loss());
    for (std::size_t p = 0; p < metrics.size(); ++p)
      for (const named_value& m : metrics[p]) line += ", " + data_.parts[p].name + " " + m.name + " " + fixed(m.value);
    bar_.line(line + (better ? " (best)" : ""));
    log_.write(c_.step, c_.epoch, "train_epoch", c_.this_epoch.mean_losses(), {{"grad_norm", c_.this_epoch.mean_norm()}});
    for (std::size_t p = 0; p < metrics.size(); ++p) record_evaluation(data_.parts[p].name, metrics[p]);
    if (monitor_.on()) log_.write_best(c_.step, {monitor_.name(), c_.best});
    c_.epoch_step = 0;
    c_.since_log.clear(), c_.this_epoch.clear();

    std::vector<std::string> names;
    if (o_.save_period > 0 && c_.epoch % o_.save_period == 0)
      names.push_back("checkpoint-epoch" + std::to_string(c_.epoch) + ".pth");
    if (better) names.emplace_back(best_checkpoint);
    save(names);
  }

  void record_evaluation(const std::string& part, const std::vector<named_value>& metrics) {
    std::vector<named_value> losses, others;
    for (const named_value& m : metrics) (m.name == "loss" || c_.this_epoch.parts.has(m.name) ? losses : others).push_back(m);
    log_.write(c_.step, c_.epoch, part, std::move(losses), others);
  }

  static std::string fixed(double v) {
    char text[64];
    std::snprintf(text, sizeof text, "%.4f", v);
    return text;
  }

  void save(const std::vector<std::string>& also = {}) {
    saved_step_ = c_.step;
    if (group_.first()) store_run(state(), also);
  }

  run_state state() { return {net_, schedule_, c_, o_}; }

  // The first worker may put a damaged checkpoint aside, and the others then find what it found.
  void resume_in_turn() {
    if (!group_.first()) group_.barrier();
    resume();
    if (group_.first()) group_.barrier();
  }

  void resume() {
    const std::string origin = resume_run(state(), err_);
    saved_step_ = c_.step;
    bar_.line("resumed from " + origin + ": epoch " + std::to_string(c_.epoch + 1) + ", step " + std::to_string(c_.step));
  }

  trainable& net_;
  rate_schedule schedule_;
  training_data data_;
  trainer_options o_;
  worker_group alone_;
  worker_group& group_;
  bool open_ = false;
  std::function<bool()> stop_;
  std::ostream& err_;
  monitor monitor_;
  progress bar_;
  dim_t share_;  // items of a batch that are this worker's
  std::int64_t epoch_len_;
  run_counters c_;
  std::int64_t saved_step_ = 0;
  std::optional<run_lock> lock_;  // once the folder is open; the first worker's alone
  run_log log_;                   // likewise
  evaluation evaluate_;
  batch batch_;
};

}  // namespace avss
