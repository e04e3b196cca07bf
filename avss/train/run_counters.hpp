// Where a training run stands, and the means over its steps.
#pragma once

#include <avss/io/checkpoint_value.hpp>
#include <avss/train/loss_parts.hpp>
#include <avss/train/state_fields.hpp>
#include <avss/train/trainable.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace avss {

// Sums over those steps whose loss and gradient were finite.
struct step_sums {
  std::int64_t steps = 0;
  double loss = 0, norm = 0;
  loss_parts parts;

  void add(double step_loss, double step_norm, const loss_parts& step_parts) {
    ++steps, loss += step_loss, norm += step_norm;
    parts.add(step_parts);
  }
  void clear() { *this = {}; }

  double mean_loss() const { return mean(loss); }
  double mean_norm() const { return mean(norm); }
  // Of the loss and of its parts.
  std::vector<named_value> mean_losses() const { return parts.means(mean_loss(), steps); }

 private:
  double mean(double sum) const { return steps > 0 ? sum / static_cast<double>(steps) : std::nan(""); }
};

struct run_counters {
  std::int64_t step = 0, epoch = 0, epoch_step = 0, next_item = 0, skipped = 0, bad_in_row = 0, best_epoch = 0;
  double best = 0;
  std::string monitored;  // what `best` is of, as the monitor is told it; empty in files of old
  bool diverged = false;  // a loss of the last validation was not finite
  step_sums since_log, this_epoch;

  std::vector<checkpoint_value::field> fields() const {
    state_writer w;
    visit(*this, w);
    w.fields.emplace_back("monitored", monitored);
    w.fields.emplace_back("diverged", diverged);
    w.fields.emplace_back("log_parts", since_log.parts.state());
    w.fields.emplace_back("epoch_parts", this_epoch.parts.state());
    return std::move(w.fields);
  }
  // As fields() gave them. Strict: throws error.
  static run_counters read(const checkpoint_value& dict, const std::string& origin) {
    run_counters c;
    visit(c, state_reader(dict, origin, "avss"));
    if (dict.find("monitored")) c.monitored = state_reader(dict, origin, "avss").text("monitored");
    if (const checkpoint_value* d = dict.find("diverged"); d && d->boolean()) c.diverged = *d->boolean();
    c.since_log.parts.restore(dict.find("log_parts"), origin + ": avss.log_parts");
    c.this_epoch.parts.restore(dict.find("epoch_parts"), origin + ": avss.epoch_parts");
    return c;
  }

 private:
  template <class C, class V>
  static void visit(C& c, V&& v) {
    v("step", c.step), v("epoch", c.epoch), v("epoch_step", c.epoch_step), v("next_item", c.next_item);
    v("skipped", c.skipped), v("bad_in_row", c.bad_in_row), v("best_epoch", c.best_epoch), v("best", c.best);
    auto &log = c.since_log, &all = c.this_epoch;
    v("log_steps", log.steps), v("epoch_steps", all.steps), v("log_loss", log.loss), v("log_norm", log.norm);
    v("epoch_loss", all.loss), v("epoch_norm", all.norm);
  }
};

}  // namespace avss
