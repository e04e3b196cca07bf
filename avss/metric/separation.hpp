// The scores of all estimates of one mixture: ratios, their improvement over the mixture, with and without permutation.
#pragma once

#include <avss/core/error.hpp>
#include <avss/metric/permutation.hpp>
#include <avss/metric/ratio.hpp>
#include <cstddef>
#include <span>
#include <vector>

namespace avss {

// One target. Improvements are over the mixture, both against this target.
struct source_scores {
  std::size_t estimate = 0;  // which one was taken for the target
  ratio si_snr, si_sdr, snr;
  ratio si_snr_improvement, si_sdr_improvement, snr_improvement;
};

// The estimate's ratio less the mixture's, with the status of the first of the two that is not measured.
inline ratio improvement(ratio estimate, ratio mixture) {
  return {estimate.value - mixture.value, estimate.status != ratio_status::measured ? estimate.status : mixture.status};
}

// Takes mixture, targets and estimates twice, block by block of any lengths: first all to observe(), then the same to
// resolve() (see pair_meter).
class separation_meter {
 public:
  explicit separation_meter(std::size_t sources) : sources_(sources), pairs_(sources * sources), mixtures_(sources) {}

  // mixture [n], targets [sources][n], estimates [sources][n]
  template <class T>
  void observe(std::span<const T> mixture, std::span<const T> targets, std::span<const T> estimates) {
    each_pair(mixture, targets, estimates, [](pair_meter& m, std::span<const T> e, std::span<const T> t) { m.observe(e, t); });
  }
  template <class T>
  void resolve(std::span<const T> mixture, std::span<const T> targets, std::span<const T> estimates) {
    each_pair(mixture, targets, estimates, [](pair_meter& m, std::span<const T> e, std::span<const T> t) { m.resolve(e, t); });
  }

  std::size_t sources() const { return sources_; }
  const pair_meter& pair(std::size_t estimate, std::size_t target) const { return pairs_[estimate * sources_ + target]; }
  const pair_meter& mixture(std::size_t target) const { return mixtures_[target]; }

  // order()[target] = estimate: the one permutation with the best mean SI-SNR, which all metrics share.
  std::vector<std::size_t> order() const {
    std::vector<double> score(sources_ * sources_);
    for (std::size_t i = 0; i < score.size(); ++i) score[i] = pairs_[i].si_snr().value;
    return best_permutation(score, sources_);
  }

  // One entry a target, estimates taken in their order or, permuted, in order().
  std::vector<source_scores> scores(bool permuted) const {
    const std::vector<std::size_t> taken = permuted ? order() : given_order(sources_);
    std::vector<source_scores> out(sources_);
    for (std::size_t t = 0; t < sources_; ++t) {
      const pair_meter &e = pair(taken[t], t), &m = mixture(t);
      source_scores& s = out[t];
      s.estimate = taken[t];
      s.si_snr = e.si_snr(), s.si_snr_improvement = improvement(s.si_snr, m.si_snr());
      s.si_sdr = e.si_sdr(), s.si_sdr_improvement = improvement(s.si_sdr, m.si_sdr());
      s.snr = e.snr(), s.snr_improvement = improvement(s.snr, m.snr());
    }
    return out;
  }

 private:
  template <class T, class F>
  void each_pair(std::span<const T> mixture, std::span<const T> targets, std::span<const T> estimates, F&& act) {
    const std::size_t n = mixture.size();
    if (targets.size() != sources_ * n || estimates.size() != sources_ * n)
      fail("a mixture of ", n, " samples needs ", sources_, " targets and estimates as long, not ", targets.size(), " and ",
           estimates.size(), " samples of them");
    for (std::size_t t = 0; t < sources_; ++t) {
      const auto target = targets.subspan(t * n, n);
      act(mixtures_[t], mixture, target);
      for (std::size_t e = 0; e < sources_; ++e) act(pairs_[e * sources_ + t], estimates.subspan(e * n, n), target);
    }
  }

  std::size_t sources_;
  std::vector<pair_meter> pairs_;     // [estimate][target]
  std::vector<pair_meter> mixtures_;  // [target]
};

// Whole signals: mixture [n], targets and estimates [sources][n].
template <class T>
std::vector<source_scores> score_separation(std::span<const T> mixture, std::span<const T> targets,
                                            std::span<const T> estimates, std::size_t sources, bool permuted) {
  separation_meter meter(sources);
  meter.observe(mixture, targets, estimates);
  meter.resolve(mixture, targets, estimates);
  return meter.scores(permuted);
}

}  // namespace avss
