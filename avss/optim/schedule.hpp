// Learning rates that are functions of the number of steps taken.
//
// Every schedule has now(), the rates of the coming step; advance(), to be called after a step (or an epoch: it is the caller's
// unit); and visit_state(v), which names what a checkpoint holds. Semantics of torch.optim.lr_scheduler.
#pragma once

#include <avss/core/error.hpp>
#include <avss/optim/rates.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace avss {

class constant_rate {
 public:
  explicit constant_rate(double lr) : lr_(lr) {}
  rates now() const { return {lr_}; }
  void advance() { ++step_; }
  template <class V>
  void visit_state(V&& v) {
    v("last_epoch", step_);
  }

 private:
  double lr_;
  std::int64_t step_ = 0;
};

// lr gamma^floor(step / every)                                                  StepLR
class step_decay {
 public:
  step_decay(double lr, std::int64_t every, double gamma = 0.1) : lr_(lr), gamma_(gamma), every_(every) {
    if (every < 1) fail("a step decay needs at least one step between two changes, not ", every);
  }
  rates now() const {
    const auto changes = step_ / every_;
    return {lr_ * std::pow(gamma_, static_cast<double>(changes))};
  }
  void advance() { ++step_; }
  template <class V>
  void visit_state(V&& v) {
    v("last_epoch", step_);
  }

 private:
  double lr_, gamma_;
  std::int64_t every_, step_ = 0;
};

// least + (lr - least) (1 + cos(pi step / period)) / 2, up again after the period       CosineAnnealingLR
class cosine_annealing {
 public:
  cosine_annealing(double lr, std::int64_t period, double least = 0) : lr_(lr), least_(least), period_(period) {
    if (period < 1) fail("cosine annealing needs a period of at least one step, not ", period);
  }
  rates now() const {
    const double q = static_cast<double>(step_) / static_cast<double>(period_);
    return {least_ + (lr_ - least_) * (1 + std::cos(std::numbers::pi * q)) / 2};
  }
  void advance() { ++step_; }
  template <class V>
  void visit_state(V&& v) {
    v("last_epoch", step_);
  }

 private:
  double lr_, least_;
  std::int64_t period_, step_ = 0;
};

}  // namespace avss
