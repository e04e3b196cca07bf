// A lip-reading encoder with its numbers and its gradients, on one backend.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/core/placement.hpp>
#include <avss/layer/image_units.hpp>
#include <avss/model/net_numbers.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace avss {

// Clips of one length, one after another.
struct lip_clips {
  dim_t clips = 0, frames = 0;  // how many, and of each
  dim_t height = 0, width = 0;

  dim_t all() const { return clips * frames; }
};

// As av_engine: owns weights, gradients and one arena, which grows to the largest batch met; what it computes with lies where
// the backend reaches it, clips and features are the host's. One thread at a time.
template <class Net, class B>
class lip_trainer : public net_numbers<Net, B> {
  using numbers = net_numbers<Net, B>;

 public:
  using T = typename B::value_type;
  static constexpr dim_t features = Net::features;

  explicit lip_trainer(B backend = {}) : numbers(std::move(backend)) {}

  using numbers::backend, numbers::net, numbers::values, numbers::state, numbers::gradients;

  // Bytes of working memory for a step.
  std::size_t planned_bytes(const lip_clips& n, const image_rules& rules, bool want_dx) const {
    arena plan;
    context<measure<B>> ctx({this->backend_}, plan, pass::train);
    typename Net::template saved<T> saved;
    net().forward(ctx, clips_of(n, nullptr), n.frames, nullptr, rules, saved);
    net().backward(ctx, nullptr, nullptr, want_dx, saved);
    return plan.peak();
  }

  // x [clips frames, height, width], normalised -> y [features, clips frames]; then loss(ctx, y, dy) fills the gradient of y,
  // zero before, and returns its value; both lie in the backend's memory. Gradients of the parameters are added to. The host's
  // y, and dx, shaped as x, are assigned where they are given. With image_rules::training() BatchNorm goes by the statistics of
  // the batch, which are collected.
  template <class Loss>
  auto train_step(const lip_clips& n, std::span<const T> x, std::span<T> y, const image_rules& rules, Loss&& loss,
                  std::span<T> dx = {}) {
    check(n, x.size(), y.size(), dx.size());
    const bool want_dx = !dx.empty();
    const auto size = static_cast<std::size_t>(n.all() * features);
    this->reserve(planned_bytes(n, rules, want_dx));
    T* const clips = clips_.in(backend(), x, "the clips");
    T* const out = features_.room(backend(), y, size, "the features");
    T* const back = want_dx ? d_clips_.room(backend(), dx, x.size(), "the gradient of the clips") : nullptr;
    grow(backend(), d_features_, size);
    const std::span<T> d_out(d_features_.data(), size);
    placement<B>::zero(backend(), d_out);
    context<B> ctx(backend(), this->memory_, pass::train, values(), gradients(), state());
    const auto key = this->key_of(n.clips, n.frames, n.height, n.width, rules.batch_statistics,
                                  std::bit_cast<std::uint64_t>(rules.momentum), clips, out, back, d_out.data());
    auto& kept = training_[key];
    training_.forward.run(backend(), key, [&] {
      this->memory_.reset();
      kept.saved = {};
      net().forward(ctx, clips_of(n, clips), n.frames, out, rules, kept.saved);  // which reads the clips only
      kept.front = this->memory_.front_mark();
    });
    this->memory_.reset(kept.front);
    auto value = loss(ctx, std::span<const T>(out, size), d_out);
    training_.backward.run(backend(), key, [&] {
      this->memory_.reset(kept.front);
      net().backward(ctx, d_out.data(), back, want_dx, kept.saved);
    });
    if (!y.empty()) features_.out(backend(), y);
    if (want_dx) d_clips_.out(backend(), dx);
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
    if (y > 0) expect("features", y, n.all() * features);
    if (dx > 0) expect("gradient of the clips", dx, n.all() * n.height * n.width);
  }

  typename numbers::template training_passes<typename Net::template saved<T>> training_;
  typename placement<B>::template passage<T> clips_, features_, d_clips_;
  typename placement<B>::template array<T> d_features_;
};

}  // namespace avss
