// A learning rate that falls when a metric stops improving.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/optim/rates.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

namespace avss {

struct plateau_config {
  double lr;
  bool higher_is_better = false;  // torch: mode="max"
  double factor = 0.1;
  std::int64_t patience = 10;     // metrics without improvement that are borne
  double threshold = 1e-4;        // by how much a metric must be better to count
  bool relative = true;           // the threshold: a share of the best metric; else absolute (torch: threshold_mode)
  std::int64_t cooldown = 0;      // metrics after a reduction in which nothing is counted
  double min_lr = 0, eps = 1e-8;  // a smaller change of the rate than eps is not made
};

// ReduceLROnPlateau of PyTorch.
class plateau {
 public:
  explicit plateau(plateau_config config) : c_(config), lr_(config.lr), best_(worst()) {
    if (!(c_.factor > 0 && c_.factor < 1)) fail("a plateau's factor must lie between 0 and 1, not ", c_.factor);
  }

  rates now() const { return {lr_}; }

  void advance(double metric) {
    ++step_;
    if (better(metric)) {
      best_ = metric;
      bad_ = 0;
    } else {
      ++bad_;
    }
    if (cooldown_ > 0) {
      --cooldown_;
      bad_ = 0;
    }
    if (bad_ <= c_.patience) return;
    const double lower = std::max(lr_ * c_.factor, c_.min_lr);
    if (lr_ - lower > c_.eps) lr_ = lower;
    cooldown_ = c_.cooldown;
    bad_ = 0;
  }

  // What counts from here on is another metric.
  void forget_metric() { best_ = worst(), bad_ = 0; }
  // From here on the rate that it was made with.
  void restart_rate() { lr_ = c_.lr; }

  template <class V>
  void visit_state(V&& v) {
    v("last_epoch", step_);
    v("lr", lr_);
    v("best", best_);
    v("num_bad_epochs", bad_);
    v("cooldown_counter", cooldown_);
  }

 private:
  double worst() const {
    constexpr double inf = std::numeric_limits<double>::infinity();
    return c_.higher_is_better ? -inf : inf;
  }
  bool better(double metric) const {
    // A first metric beats none at all, whatever the threshold; NaN beats nothing.
    const double sign = c_.higher_is_better ? 1 : -1;
    const double bar = c_.relative ? best_ * (1 + sign * c_.threshold) : best_ + sign * c_.threshold;
    return c_.higher_is_better ? metric > bar : metric < bar;
  }

  plateau_config c_;
  double lr_, best_;
  std::int64_t bad_ = 0, cooldown_ = 0, step_ = 0;
};

}  // namespace avss
