// The one-cycle policy: the rate up and far down again, the momentum against it.
#pragma once

#include <avss/core/error.hpp>
#include <avss/optim/rates.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace avss {

struct one_cycle_config {
  double max_lr;
  std::int64_t total_steps;
  double pct_start = 0.3;  // share of the steps in which the rate rises
  bool cosine = true;      // else linear
  bool cycle_momentum = true;
  double base_momentum = 0.85, max_momentum = 0.95;
  double div_factor = 25;         // first rate = max_lr / div_factor
  double final_div_factor = 1e4;  // last rate = first rate / final_div_factor
  bool three_phase = false;       // fall to the first rate as fast as it rose, then to the last
};

// OneCycleLR of PyTorch (Smith and Topin 2017, arXiv:1708.07120). Step s runs from 0; the phases end at
//   pct_start N - 1 and N - 1,     or with three phases at     pct_start N - 1, 2 pct_start N - 2 and N - 1.
class one_cycle {
 public:
  explicit one_cycle(one_cycle_config config) : c_(config) {
    if (c_.total_steps < 1) fail("the one-cycle schedule needs at least one step, not ", c_.total_steps);
    if (!(c_.pct_start >= 0 && c_.pct_start <= 1)) fail("pct_start must lie in [0, 1], not ", c_.pct_start);
  }

  const one_cycle_config& config() const { return c_; }

  // The rates of step s.
  rates at(std::int64_t s) const {
    const double first = c_.max_lr / c_.div_factor, last = first / c_.final_div_factor;
    const double low = c_.base_momentum, high = c_.max_momentum;
    const double n = static_cast<double>(c_.total_steps), step = static_cast<double>(s);
    const double up = c_.pct_start * n - 1, down = 2 * c_.pct_start * n - 2, end = n - 1;
    if (step <= up) return between(0, up, step, first, c_.max_lr, high, low);
    if (!c_.three_phase) return between(up, end, step, c_.max_lr, last, low, high);
    if (step <= down) return between(up, down, step, c_.max_lr, first, low, high);
    return between(down, end, step, first, last, high, high);
  }

  rates now() const { return at(step_); }

  std::int64_t advances_left() const { return c_.total_steps - step_; }

  // The schedule may stand at total_steps, after the last step; going on is an error.
  void advance() {
    if (step_ >= c_.total_steps) fail("the one-cycle schedule was made for ", c_.total_steps, " steps and is asked for more");
    ++step_;
  }

  template <class V>
  void visit_state(V&& v) {
    v("last_epoch", step_);
  }

 private:
  rates between(double start, double end, double step, double lr0, double lr1, double momentum0, double momentum1) const {
    // A phase without length, rounding aside, is at its end; PyTorch divides by zero.
    const double q = end - start > 1e-9 ? (step - start) / (end - start) : 1;
    const auto mix = [&](double a, double b) {
      return c_.cosine ? b + (a - b) / 2 * (1 + std::cos(std::numbers::pi * q)) : a + (b - a) * q;
    };
    rates r{mix(lr0, lr1)};
    if (c_.cycle_momentum) r.momentum = mix(momentum0, momentum1);
    return r;
  }

  one_cycle_config c_;
  std::int64_t step_ = 0;
};

}  // namespace avss
