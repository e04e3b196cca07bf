// A network with its numbers and its working memory, on one backend.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/model/net_numbers.hpp>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// Owns weights, gradients and one arena, which grows to the largest shape met; nothing is allocated for a shape that fits. What
// it computes with lies where the backend reaches it, mixtures and estimates are the host's. One thread at a time; several
// engines may run at once.
template <class Net, class B>
class engine : public net_numbers<Net, B> {
  using numbers = net_numbers<Net, B>;

 public:
  using T = typename B::value_type;
  using mixture_view = view<typename Net::mixture_shape, T>;
  using estimate_view = view<typename Net::estimate_shape, T>;

  explicit engine(B backend = {}) : numbers(std::move(backend)) {}

  using numbers::backend, numbers::net, numbers::values, numbers::state, numbers::gradients;

  // Bytes of working memory for `batch` mixtures of `length` samples.
  std::size_t planned_bytes(pass mode, dim_t batch, dim_t length) const {
    arena plan;
    context<measure<B>> ctx({this->backend_}, plan, mode);
    typename Net::template saved<T> saved;
    forward(ctx, batch, length, nullptr, nullptr, saved);
    if (mode == pass::train)
      net().backward(ctx, view<typename Net::estimate_shape, const T>{nullptr, typename Net::estimate_shape(batch, length)},
                     mixture_view{nullptr, typename Net::mixture_shape(batch, length)}, saved);
    return plan.peak();
  }

  // mixtures [batch, length] -> estimates [batch, sources, length]
  void separate(std::span<const T> mixtures, std::span<T> estimates, dim_t batch = 1) {
    const dim_t length = checked_length(mixtures.size(), estimates.size(), batch);
    this->reserve(planned_bytes(pass::infer, batch, length));
    T* const x = mixtures_.in(backend(), mixtures, "the mixtures");
    T* const y = estimates_.room(backend(), estimates, estimates.size(), "the estimates");
    inference_.run(backend(), this->key_of(batch, length, x, y), [&] {
      this->memory_.reset();
      context<B> ctx(backend(), this->memory_, pass::infer, values(), {}, state());
      typename Net::template saved<T> saved;
      forward(ctx, batch, length, x, y, saved);
    });
    estimates_.out(backend(), estimates);
  }

  // One mixture, in fresh arrays: estimates[source][sample].
  std::vector<std::vector<T>> separate(std::span<const T> mixture) {
    std::vector<T> flat(mixture.size() * static_cast<std::size_t>(Net::sources));
    separate(mixture, flat);
    std::vector<std::vector<T>> estimates;
    for (std::size_t at = 0; at < flat.size(); at += mixture.size())
      estimates.emplace_back(flat.begin() + static_cast<std::ptrdiff_t>(at),
                             flat.begin() + static_cast<std::ptrdiff_t>(at + mixture.size()));
    return estimates;
  }

  // Estimates, then gradients of a loss: loss(ctx, estimates, d_estimates) fills d_estimates and returns its value; both lie in
  // the backend's memory. Gradients of the parameters are added to. The host's estimates, and d_mixtures [batch, length], are
  // assigned where they are given.
  template <class Loss>
  auto train_step(std::span<const T> mixtures, std::span<T> estimates, dim_t batch, Loss&& loss, std::span<T> d_mixtures = {}) {
    const std::size_t n = mixtures.size() * static_cast<std::size_t>(Net::sources);
    const dim_t length = checked_length(mixtures.size(), estimates.empty() ? n : estimates.size(), batch);
    this->reserve(planned_bytes(pass::train, batch, length));
    T* const x = mixtures_.in(backend(), mixtures, "the mixtures");
    T* const y = estimates_.room(backend(), estimates, n, "the estimates");
    T* const dx =
        d_mixtures.empty() ? nullptr : d_mixtures_.room(backend(), d_mixtures, mixtures.size(), "the mixtures' gradients");
    grow(backend(), d_estimates_, n);
    const typename Net::estimate_shape out(batch, length);
    context<B> ctx(backend(), this->memory_, pass::train, values(), gradients(), state());
    const auto key = this->key_of(batch, length, x, y, dx, d_estimates_.data());
    auto& kept = training_[key];
    training_.forward.run(backend(), key, [&] {
      this->memory_.reset();
      kept.saved = {};
      forward(ctx, batch, length, x, y, kept.saved);
      kept.front = this->memory_.front_mark();
    });
    this->memory_.reset(kept.front);
    auto value = loss(ctx, estimate_view{y, out}, estimate_view{d_estimates_.data(), out});
    training_.backward.run(backend(), key, [&] {
      this->memory_.reset(kept.front);
      net().backward(ctx, view<typename Net::estimate_shape, const T>{d_estimates_.data(), out},
                     mixture_view{dx, typename Net::mixture_shape(batch, length)}, kept.saved);
    });
    if (!estimates.empty()) estimates_.out(backend(), estimates);
    if (dx) d_mixtures_.out(backend(), d_mixtures);
    return value;
  }

  // Samples of each mixture; throws where the sizes of a batch do not go together.
  dim_t checked_length(std::size_t mixture, std::size_t estimate, dim_t batch) const {
    if (batch < 1 || mixture == 0 || mixture % static_cast<std::size_t>(batch))
      fail("a batch of ", batch, " mixtures of equal length cannot be made of ", mixture, " samples");
    if (estimate != mixture * static_cast<std::size_t>(Net::sources))
      fail("room for ", mixture * static_cast<std::size_t>(Net::sources), " samples of estimates is needed, ", estimate,
           " are given");
    return static_cast<dim_t>(mixture) / batch;
  }

 private:
  template <class C>
  void forward(C& ctx, dim_t batch, dim_t length, T* x, T* y, typename Net::template saved<T>& saved) const {
    net().forward(ctx, mixture_view{x, typename Net::mixture_shape(batch, length)},
                  estimate_view{y, typename Net::estimate_shape(batch, length)}, saved);
  }

  typename numbers::steps inference_;
  typename numbers::template training_passes<typename Net::template saved<T>> training_;
  typename placement<B>::template passage<T> mixtures_, estimates_, d_mixtures_;
  typename placement<B>::template array<T> d_estimates_;
};

}  // namespace avss
