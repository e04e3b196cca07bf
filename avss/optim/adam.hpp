// Adam and AdamW with the semantics of PyTorch.
#pragma once

#include <avss/core/context.hpp>
#include <avss/optim/rates.hpp>
#include <avss/optim/trained.hpp>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace avss {

struct adam_config {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  // AdamW: the decay acts on the parameters, not through the gradient
};
inline constexpr adam_config adamw_config{.weight_decay = 0.01, .decoupled = true};

// Buffer holds the moments where the backend can reach them: Buffer(n) is n zeros, with data() and size().
template <class T, class Buffer = std::vector<T>>
class adam {
 public:
  // For buffers of `extent` values, of which `trained` are changed.
  adam(adam_config config, std::vector<flat_range> trained, dim_t extent)
      : config_(config),
        trained_(std::move(trained)),
        mean_(static_cast<std::size_t>(extent)),
        square_(static_cast<std::size_t>(extent)) {
    detail::check_ranges(trained_, extent);
    check(config_.beta1);
    if (!(config_.beta2 >= 0 && config_.beta2 < 1)) fail("Adam's beta2 must lie in [0, 1), not ", config_.beta2);
    // A parameter that never had a gradient would be moved by 0 / 0.
    if (!(static_cast<T>(config_.eps) > 0)) fail("Adam's eps must be positive, not ", config_.eps, "; 1e-8 is common");
    if (!(config_.weight_decay >= 0)) fail("Adam's weight decay must not be negative");
  }

  const adam_config& config() const { return config_; }
  const std::vector<flat_range>& trained() const { return trained_; }
  std::int64_t steps() const { return step_; }

  // Begins the next step and says its rates. A momentum that changes from step to step enters the bias correction as torch has
  // it: the current beta1 to the power of the number of steps.
  op::adam_rates advance(const rates& r) {
    const double beta1 = r.momentum.value_or(config_.beta1);
    check(beta1);
    ++step_;
    const double k = static_cast<double>(step_);
    return {beta1, r.lr / (1 - std::pow(beta1, k)), std::sqrt(1 - std::pow(config_.beta2, k)),
            config_.decoupled ? 1 - r.lr * config_.weight_decay : 1};
  }

  // The step that was begun. `at`: `now` where the backend finds it, in which case that alone counts; changes nothing of this
  // on the host, so that it may be kept as a graph.
  template <class C>
  void run(C& ctx, std::span<T> values, std::span<const T> gradients, const op::adam_rates& now,
           const op::adam_rates* at = nullptr) {
    check_extents(values, gradients);
    ctx.run(op::adam_step<T>{detail::as_ranges(trained_), values.data(), gradients.data(), mean_.data(), square_.data(), now,
                             config_.beta2, config_.eps, config_.decoupled ? 0 : config_.weight_decay, at});
  }

  template <class C>
  void step(C& ctx, std::span<T> values, std::span<const T> gradients, const rates& r) {
    check_extents(values, gradients);
    run(ctx, values, gradients, advance(r));
  }

  // What a checkpoint holds: a counter, and moments laid out as the parameters. Names as in torch.optim.
  template <class V>
  void visit_state(V&& v) {
    v("step", step_);
    v("exp_avg", mean_);
    v("exp_avg_sq", square_);
  }

 private:
  void check_extents(std::span<const T> values, std::span<const T> gradients) const {
    detail::check_extent(values.size(), mean_.size());
    detail::check_extent(gradients.size(), mean_.size());
  }
  static void check(double beta1) {
    if (!(beta1 >= 0 && beta1 < 1)) fail("Adam's beta1 must lie in [0, 1), not ", beta1);
  }

  adam_config config_;
  std::vector<flat_range> trained_;
  std::int64_t step_ = 0;
  Buffer mean_, square_;
};

}  // namespace avss
