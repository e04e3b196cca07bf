// A lip-reading encoder with its numbers and its gradients, on one backend.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/layer/image_units.hpp>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// Clips of one length, one after another.
struct lip_clips {
  dim_t clips = 0, frames = 0;  // how many, and of each
  dim_t height = 0, width = 0;

  dim_t all() const { return clips * frames; }
};

// As av_engine: owns weights, gradients and one arena, which grows to the largest batch met. One thread at a time.
template <class Net, class B>
class lip_trainer {
 public:
  using T = typename B::value_type;
  static constexpr dim_t features = Net::features;

  explicit lip_trainer(B backend = {})
      : backend_(std::move(backend)),
        values_(static_cast<std::size_t>(net_.extent().values)),
        gradients_(values_.size()),
        state_(static_cast<std::size_t>(net_.extent().state)) {}

  const Net& net() const { return net_; }
  B& backend() { return backend_; }
  std::span<T> values() { return values_; }
  std::span<T> gradients() { return gradients_; }
  std::span<T> state() { return state_; }

  // Bytes of working memory for a step.
  std::size_t planned_bytes(const lip_clips& n, const image_rules& rules, bool want_dx) const {
    arena plan;
    context<measure<B>> ctx({backend_}, plan, pass::train);
    typename Net::template saved<T> saved;
    net_.forward(ctx, clips_of(n, nullptr), n.frames, nullptr, rules, saved);
    net_.backward(ctx, nullptr, nullptr, want_dx, saved);
    return plan.peak();
  }

  // x [clips frames, height, width], normalised -> y [features, clips frames]; then loss(y, dy) fills the gradient of y, and
  // returns its value. Gradients of the parameters are added to; dx, shaped as x, is assigned where it is given. With
  // image_rules::training() BatchNorm goes by the statistics of the batch, which are collected.
  template <class Loss>
  auto train_step(const lip_clips& n, std::span<const T> x, std::span<T> y, const image_rules& rules, Loss&& loss,
                  std::span<T> dx = {}) {
    check(n, x.size(), y.size(), dx.size());
    const bool want_dx = !dx.empty();
    if (const std::size_t need = planned_bytes(n, rules, want_dx); memory_.measures() || memory_.capacity() < need) {
      memory_ = arena();  // gives the old one back first
      memory_ = arena(need);
    }
    memory_.reset();
    context<B> ctx(backend_, memory_, pass::train, values_, gradients_, state_);
    typename Net::template saved<T> saved;
    net_.forward(ctx, clips_of(n, const_cast<T*>(x.data())), n.frames, y.data(), rules, saved);  // which reads x only
    dy_.assign(y.size(), T(0));
    auto value = loss(std::span<const T>(y), std::span<T>(dy_));
    net_.backward(ctx, dy_.data(), dx.data(), want_dx, saved);
    return value;
  }

 private:
  static view<typename Net::clip_shape, T> clips_of(const lip_clips& n, T* x) {
    return {x, typename Net::clip_shape(n.all(), n.height, n.width)};
  }

  static void check(const lip_clips& n, std::size_t x, std::size_t y, std::size_t dx) {
    if (n.clips < 1 || n.frames < 1 || n.height < 1 || n.width < 1)
      fail("at least one clip, frame and pixel are needed, not ", n.clips, ", ", n.frames, ", ", n.height, " x ", n.width);
    const auto expect = [](const char* what, std::size_t given, dim_t needed) {
      if (given != static_cast<std::size_t>(needed)) fail(what, ": ", needed, " values are needed, ", given, " are given");
    };
    expect("clips", x, n.all() * n.height * n.width);
    expect("features", y, n.all() * features);
    if (dx > 0) expect("gradient of the clips", dx, n.all() * n.height * n.width);
  }

  Net net_;
  B backend_;
  arena memory_;
  std::vector<T> values_, gradients_, state_, dy_;
};

}  // namespace avss
