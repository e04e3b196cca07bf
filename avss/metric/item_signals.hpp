// One item's signals, held whole, for metrics that share work.
#pragma once

#include <avss/core/error.hpp>
#include <avss/metric/bss_eval.hpp>
#include <avss/metric/ratio.hpp>
#include <avss/metric/stoi.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// Mixture, targets and estimates of one length. Transforms, resampled signals and solutions are made when the first metric
// asks for them, and serve all pairs, all metrics and the improvements over the mixture. Not for concurrent use.
class item_signals {
 public:
  using signal = std::span<const float>;

  // All that is given must live on. `rate` in Hz.
  item_signals(int rate, signal mixture, std::vector<signal> targets, std::vector<signal> estimates)
      : rate_(rate), targets_(std::move(targets)), estimates_(std::move(estimates)) {
    if (targets_.size() != estimates_.size())
      fail(estimates_.size(), " estimates of ", targets_.size(), " targets; expected one each");
    estimates_.push_back(mixture);
  }

  std::size_t sources() const { return targets_.size(); }
  int rate() const { return rate_; }
  signal target(std::size_t t) const { return targets_[t]; }
  // sources() is the mixture, here and in what follows.
  signal estimate(std::size_t e) const { return estimates_[e]; }

  bss_eval& bss() {
    if (!bss_) bss_.emplace(std::span<const signal>(targets_), std::span<const signal>(estimates_));
    return *bss_;
  }
  stoi_eval<float>& intelligibility() {
    if (!stoi_) stoi_.emplace(rate_, std::span<const signal>(targets_), std::span<const signal>(estimates_));
    return *stoi_;
  }

 private:
  int rate_;
  std::vector<signal> targets_, estimates_;  // the mixture is the last estimate
  std::optional<bss_eval> bss_;
  std::optional<stoi_eval<float>> stoi_;
};

}  // namespace avss
