// A running average of the parameters.
#pragma once

#include <avss/core/context.hpp>
#include <avss/optim/trained.hpp>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// average = decay average + (1 - decay) values after each step; it starts as a copy of the values. Untrained parameters keep
// what the copy had. Buffer as for adam.
template <class T, class Buffer = std::vector<T>>
class moving_average {
 public:
  moving_average(double decay, std::vector<flat_range> trained, Buffer start)
      : decay_(decay), trained_(std::move(trained)), average_(std::move(start)) {
    if (!(decay >= 0 && decay < 1)) fail("the decay of a moving average must lie in [0, 1), not ", decay);
    detail::check_ranges(trained_, static_cast<dim_t>(average_.size()));
  }

  template <class C>
  void update(C& ctx, std::span<const T> values) {
    run(ctx, values);
    count();
  }
  // Its two halves: what the backend does, which may be kept as a graph, and the host's counter.
  template <class C>
  void run(C& ctx, std::span<const T> values) {
    detail::check_extent(values.size(), average_.size());
    ctx.run(op::average_step<T>{detail::as_ranges(trained_), values.data(), average_.data(), decay_});
  }
  void count() { ++step_; }

  // To go on from other values, or to put them in the place of what is trained for a while.
  Buffer& values() { return average_; }
  const Buffer& values() const { return average_; }

  template <class V>
  void visit_state(V&& v) {
    v("step", step_);
    v("average", average_);
  }

 private:
  double decay_;
  std::vector<flat_range> trained_;
  std::int64_t step_ = 0;
  Buffer average_;
};

}  // namespace avss
