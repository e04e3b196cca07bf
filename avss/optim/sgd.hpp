// Stochastic gradient descent with the semantics of PyTorch.
#pragma once

#include <avss/core/context.hpp>
#include <avss/optim/rates.hpp>
#include <avss/optim/trained.hpp>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace avss {

struct sgd_config {
  double momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
};

// Buffer as for adam. Without momentum it stays empty, and schedules may not cycle the momentum.
template <class T, class Buffer = std::vector<T>>
class sgd {
 public:
  sgd(sgd_config config, std::vector<flat_range> trained, dim_t extent)
      : config_(config),
        trained_(std::move(trained)),
        extent_(static_cast<std::size_t>(extent)),
        mean_(config.momentum > 0 ? extent_ : 0) {
    detail::check_ranges(trained_, extent);
    if (!(config_.momentum >= 0) || !(config_.weight_decay >= 0))
      fail("the momentum and weight decay of SGD must not be negative");
    if (config_.nesterov && (config_.momentum == 0 || config_.dampening != 0))
      fail("Nesterov's method needs a momentum and no dampening");
  }

  const sgd_config& config() const { return config_; }
  const std::vector<flat_range>& trained() const { return trained_; }
  std::int64_t steps() const { return step_; }

  // As for adam.
  op::sgd_rates advance(const rates& r) {
    if (r.momentum && mean_.size() == 0) fail("the schedule sets a momentum, but SGD was made without");
    return {r.lr, r.momentum.value_or(config_.momentum), step_++ == 0};
  }
  template <class C>
  void run(C& ctx, std::span<T> values, std::span<const T> gradients, const op::sgd_rates& now,
           const op::sgd_rates* at = nullptr) {
    check_extents(values, gradients);
    ctx.run(op::sgd_step<T>{detail::as_ranges(trained_), values.data(), gradients.data(), mean_.size() ? mean_.data() : nullptr,
                            now, config_.dampening, config_.weight_decay, config_.nesterov, at});
  }

  template <class C>
  void step(C& ctx, std::span<T> values, std::span<const T> gradients, const rates& r) {
    check_extents(values, gradients);
    run(ctx, values, gradients, advance(r));
  }

  // What a checkpoint holds. Names as in torch.optim, and the number of steps.
  template <class V>
  void visit_state(V&& v) {
    v("step", step_);
    v("momentum_buffer", mean_);
  }

 private:
  void check_extents(std::span<const T> values, std::span<const T> gradients) const {
    detail::check_extent(values.size(), extent_);
    detail::check_extent(gradients.size(), extent_);
  }
  sgd_config config_;
  std::vector<flat_range> trained_;
  std::size_t extent_;
  std::int64_t step_ = 0;
  Buffer mean_;
};

}  // namespace avss
