// Separation of a signal of any length in bounded memory: overlapping windows, one level, one order of the sources.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/dsp/joint_level.hpp>
#include <avss/metric/permutation.hpp>
#include <avss/model/separator.hpp>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

namespace avss {

// s; beyond an hour a window serves nobody, and its samples might not be countable.
constexpr double longest_window = 3600;

struct long_form_options {
  double window = 10;      // s; a signal that fits is separated in one piece, 0: any signal in one piece
  bool free_level = true;  // the network's loss leaves level and sign free, so windows are brought to the mixture's first
};

// Throws error for a window that is no length, or shorter than what the network needs.
inline void check_window(const separator_info& info, const long_form_options& options) {
  if (!(options.window >= 0) || !std::isfinite(options.window))
    fail("window = ", options.window, " s: expected a length in seconds, or 0 for no windows");
  if (options.window > longest_window)
    fail("window = ", options.window, " s: expected at most ", longest_window, " s, or 0 for no windows");
  if (options.window == 0) return;
  const dim_t samples = std::llround(options.window * info.sample_rate);
  if (samples < info.receptive_field)
    fail("window = ", options.window, " s: ", info.name, " looks at ",
         static_cast<double>(info.receptive_field) / info.sample_rate, " s around each sample; choose several times that");
  if (samples < info.shortest_window)
    fail("window = ", options.window, " s: ", info.name, " takes no less than ",
         static_cast<double>(info.shortest_window) / info.sample_rate, " s at a time; choose several times that");
}

// Mixture in, estimates out, both block by block. A signal of at most one window comes out as the network gives it. A
// longer one is cut into windows half overlapping the one before, the last moved back to end with the signal, so that
// the network sees one length only. Each window is rescaled to its mixture (joint_level), put into the order of sources
// that correlates best with the window before (unless the order is given), and cross-faded over the overlap. A silent window
// is silent in all estimates, whatever the network makes of silence.
//
// Holds 1.5 windows of mixture and of each estimate, plus what is ready() and not popped, plus the network's own. The
// separator must outlive it. Not for concurrent use.
class long_form {
 public:
  // Throws error as check_window.
  explicit long_form(part_separator& network, long_form_options options = {})
      : network_(network), options_(options), sources_(static_cast<std::size_t>(network.info().sources)), done_(sources_) {
    check_window(network.info(), options);
    if (options.window == 0) return;
    hop_ = std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(options.window * network.info().sample_rate / 2)));
    window_ = 2 * hop_;
    fade_.resize(hop_);
    for (std::size_t i = 0; i < hop_; ++i) {
      const double rise = std::sin(std::numbers::pi / 2 * (static_cast<double>(i) + 0.5) / static_cast<double>(hop_));
      fade_[i] = static_cast<float>(rise * rise);
    }
  }

  // Takes any number of samples; runs the network whenever a window is full and the signal goes on. Throws error if the
  // network gives a NaN or an infinity.
  void push(std::span<const float> mixture) {
    while (!mixture.empty()) {
      if (window_ > 0 && pending_.size() == next_ + window_) run_full_window();
      const std::size_t room = window_ > 0 ? next_ + window_ - pending_.size() : mixture.size();
      const std::size_t count = std::min(mixture.size(), room);
      pending_.insert(pending_.end(), mixture.begin(), mixture.begin() + static_cast<std::ptrdiff_t>(count));
      mixture = mixture.subspan(count);
    }
  }

  // The signal ends here: as many samples have then become ready as were pushed. Another signal may follow.
  void finish() {
    if (!first_) {
      // The last window ends with the signal and so begins before next_; what it has before next_ serves as context.
      const std::size_t start = pending_.size() - window_;
      run_network(std::span(pending_).subspan(start), true);
      join_windows(next_ - start);
      emit(estimates_, window_, next_ - start + hop_, window_);
    } else if (!pending_.empty()) {
      run_network(pending_, false);
      emit(estimates_, pending_.size(), 0, pending_.size());
    }
    pending_.clear();
    next_ = 0, first_ = true, offset_ = 0;
  }

  // Samples of each estimate that can be popped.
  std::size_t ready() const { return done_.empty() ? 0 : done_[0].size() - popped_; }

  // Moves the oldest samples to estimates [sources][n], n at most ready().
  void pop(std::span<float> estimates) {
    const std::size_t n = sources_ == 0 ? 0 : estimates.size() / sources_;
    if (n * sources_ != estimates.size() || n > ready())
      fail("cannot pop ", estimates.size(), " values: ", ready(), " samples of ", sources_, " sources are ready");
    for (std::size_t s = 0; s < sources_; ++s)
      std::copy_n(done_[s].begin() + static_cast<std::ptrdiff_t>(popped_), n,
                  estimates.begin() + static_cast<std::ptrdiff_t>(s * n));
    popped_ += n;
    if (popped_ < done_[0].size() / 2) return;
    for (auto& d : done_) d.erase(d.begin(), d.begin() + static_cast<std::ptrdiff_t>(popped_));
    popped_ = 0;
  }

 private:
  void run_full_window() {
    run_network(std::span(pending_).subspan(next_, window_), true);
    if (first_)
      emit(estimates_, window_, 0, hop_);
    else
      join_windows(0);
    tail_.resize(sources_ * hop_);
    for (std::size_t s = 0; s < sources_; ++s)
      std::copy_n(estimates_.begin() + static_cast<std::ptrdiff_t>(s * window_ + hop_), hop_,
                  tail_.begin() + static_cast<std::ptrdiff_t>(s * hop_));
    // The last window may begin anywhere after this one's beginning.
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(next_));
    offset_ += static_cast<dim_t>(next_);
    next_ = hop_;
    first_ = false;
  }

  // estimates_ [sources][n] of one window.
  void run_network(std::span<const float> mixture, bool windowed) {
    const std::size_t n = mixture.size();
    estimates_.assign(sources_ * n, 0.f);
    if (std::all_of(mixture.begin(), mixture.end(), [](float v) { return v == 0; })) return;
    const dim_t start = offset_ + (mixture.data() - pending_.data());
    network_.separate_part(start, mixture, estimates_);
    if (!std::all_of(estimates_.begin(), estimates_.end(), [](float v) { return std::isfinite(v); }))
      fail(network_.info().name, " gave a NaN or an infinity in the ", static_cast<double>(n) / network_.info().sample_rate,
           " s from ", static_cast<double>(start) / network_.info().sample_rate, " s on; check its weights");
    if (!windowed || !options_.free_level) return;
    joint_level level(sources_);
    level.add(mixture, estimates_);
    const std::vector<double> gains = level.gains();
    for (std::size_t s = 0; s < sources_; ++s)
      for (std::size_t i = 0; i < n; ++i) estimates_[s * n + i] = static_cast<float>(estimates_[s * n + i] * gains[s]);
  }

  // Brings estimates_ into the order of tail_, which begins at sample `at` of this window, and emits their cross-fade.
  void join_windows(std::size_t at) {
    if (!network_.info().ordered) reorder(at);
    for (std::size_t s = 0; s < sources_; ++s) {
      const auto current = now(s).subspan(at, hop_);
      for (std::size_t i = 0; i < hop_; ++i) current[i] = before(s)[i] + fade_[i] * (current[i] - before(s)[i]);
    }
    emit(estimates_, window_, at, at + hop_);
  }

  std::span<const float> before(std::size_t s) const { return std::span<const float>(tail_).subspan(s * hop_, hop_); }
  std::span<float> now(std::size_t s) { return std::span<float>(estimates_).subspan(s * window_, window_); }

  void reorder(std::size_t at) {
    std::vector<double> similarity(sources_ * sources_);
    for (std::size_t e = 0; e < sources_; ++e)
      for (std::size_t t = 0; t < sources_; ++t) similarity[e * sources_ + t] = covariance(now(e).subspan(at, hop_), before(t));
    const std::vector<std::size_t> order = best_permutation(similarity, sources_);
    std::vector<float> ordered(estimates_.size());
    for (std::size_t s = 0; s < sources_; ++s)
      std::copy_n(now(order[s]).begin(), window_, ordered.begin() + static_cast<std::ptrdiff_t>(s * window_));
    estimates_.swap(ordered);
  }

  // Not divided by the energies: the louder source's order is the surer one. For windows of one level the largest sum
  // of covariances is the smallest squared difference.
  static double covariance(std::span<const float> a, std::span<const float> b) {
    double sum_a = 0, sum_b = 0, sum_ab = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum_a += a[i], sum_b += b[i];
      sum_ab += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    }
    return sum_ab - sum_a * sum_b / static_cast<double>(a.size());
  }

  // Samples [from, to) of estimates [sources][length] are final.
  void emit(const std::vector<float>& estimates, std::size_t length, std::size_t from, std::size_t to) {
    for (std::size_t s = 0; s < sources_; ++s) {
      const auto begin = estimates.begin() + static_cast<std::ptrdiff_t>(s * length);
      done_[s].insert(done_[s].end(), begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(to));
    }
  }

  part_separator& network_;
  long_form_options options_;
  std::size_t sources_, window_ = 0, hop_ = 0;  // lengths in samples; 0: one piece
  std::vector<float> fade_;                     // [hop] weight of the newer window
  std::vector<float> pending_;                  // mixture from sample offset_ on
  dim_t offset_ = 0;
  std::size_t next_ = 0;                  // where in pending_ the next window begins
  bool first_ = true;                     // no window was run yet
  std::vector<float> estimates_, tail_;   // [sources][window]; [sources][hop], the last window's second half
  std::vector<std::vector<float>> done_;  // [sources], final samples
  std::size_t popped_ = 0;                // of them already handed out
};

// A whole signal: mixture [n] to estimates [sources][n].
inline std::vector<float> separate_long(part_separator& network, std::span<const float> mixture,
                                        long_form_options options = {}) {
  long_form run(network, options);
  run.push(mixture);
  run.finish();
  std::vector<float> estimates(static_cast<std::size_t>(network.info().sources) * run.ready());
  run.pop(estimates);
  return estimates;
}

}  // namespace avss
