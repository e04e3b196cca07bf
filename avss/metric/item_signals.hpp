// One item's signals, held whole, for metrics that share work.
#pragma once

#include <avss/core/error.hpp>
#include <avss/metric/bss_eval.hpp>
#include <avss/metric/opinion.hpp>
#include <avss/metric/pesq.hpp>
#include <avss/metric/ratio.hpp>
#include <avss/metric/stoi.hpp>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// What measures with more than the signals: a program and networks that the user has. Null: not installed.
struct metric_instruments {
  std::shared_ptr<pesq_program> pesq;
  std::shared_ptr<const opinion_meter> dnsmos;
};

// Mixture, targets and estimates of one length. Transforms, resampled signals and solutions are made when the first metric
// asks for them, and serve all pairs, all metrics and the improvements over the mixture. Not for concurrent use.
class item_signals {
 public:
  using signal = std::span<const float>;

  // All that is given must live on. `rate` in Hz.
  item_signals(int rate, signal mixture, std::vector<signal> targets, std::vector<signal> estimates,
               metric_instruments instruments = {})
      : rate_(rate),
        targets_(std::move(targets)),
        estimates_(std::move(estimates)),
        instruments_(std::move(instruments)),
        opinions_(targets_.size() + 1),
        p808_(targets_.size() + 1) {
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
  ratio pesq(std::size_t e, std::size_t t) {
    return instruments_.pesq ? instruments_.pesq->measure(estimates_[e], targets_[t], rate_) : not_installed;
  }
  // Of the estimate alone.
  opinions p835(std::size_t e) {
    if (!instruments_.dnsmos) return {not_installed, not_installed, not_installed};
    if (!opinions_[e]) opinions_[e] = instruments_.dnsmos->p835(estimates_[e], rate_);
    return *opinions_[e];
  }
  ratio p808(std::size_t e) {
    if (!instruments_.dnsmos) return not_installed;
    if (!p808_[e]) p808_[e] = instruments_.dnsmos->p808(estimates_[e], rate_);
    return *p808_[e];
  }

 private:
  static constexpr ratio not_installed{std::numeric_limits<double>::quiet_NaN(), ratio_status::not_installed};

  int rate_;
  std::vector<signal> targets_, estimates_;  // the mixture is the last estimate
  std::optional<bss_eval> bss_;
  std::optional<stoi_eval<float>> stoi_;
  metric_instruments instruments_;
  std::vector<std::optional<opinions>> opinions_;  // of each estimate
  std::vector<std::optional<ratio>> p808_;         // likewise
};

}  // namespace avss
