// A network with its numbers and its working memory, on one backend.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// Owns weights, gradients (made when first asked for) and one arena, which grows to the largest shape met. One thread at a
// time; several engines may run at once.
template <class Net, class B>
class engine {
 public:
  using T = typename B::value_type;
  using mixture_view = view<typename Net::mixture_shape, T>;
  using estimate_view = view<typename Net::estimate_shape, T>;

  explicit engine(B backend = {})
      : backend_(std::move(backend)),
        values_(static_cast<std::size_t>(net_.extent().values)),
        state_(static_cast<std::size_t>(net_.extent().state)) {}

  const Net& net() const { return net_; }
  B& backend() { return backend_; }
  std::span<T> values() { return values_; }
  std::span<T> state() { return state_; }
  std::span<T> gradients() {
    if (gradients_.empty()) gradients_.resize(values_.size());
    return gradients_;
  }

  // Bytes of working memory for `batch` mixtures of `length` samples.
  std::size_t planned_bytes(pass mode, dim_t batch, dim_t length) const {
    arena plan;
    context<measure<B>> ctx({backend_}, plan, mode);
    typename Net::template saved<T> saved;
    forward(ctx, batch, length, nullptr, nullptr, saved);
    if (mode == pass::train)
      net_.backward(ctx, view<typename Net::estimate_shape, const T>{nullptr, typename Net::estimate_shape(batch, length)},
                    mixture_view{nullptr, typename Net::mixture_shape(batch, length)}, saved);
    return plan.peak();
  }

  // mixtures [batch, length] -> estimates [batch, sources, length]
  void separate(std::span<const T> mixtures, std::span<T> estimates, dim_t batch = 1) {
    const dim_t length = checked_length(mixtures.size(), estimates.size(), batch);
    reserve(pass::infer, batch, length);
    context<B> ctx(backend_, memory_, pass::infer, values_, {}, state_);
    typename Net::template saved<T> saved;
    // The network reads its mixture only; views of inputs and of results are of one type.
    forward(ctx, batch, length, const_cast<T*>(mixtures.data()), estimates.data(), saved);
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

  // Estimates, then gradients of a loss: loss(ctx, estimates, d_estimates) fills d_estimates and returns its value. Gradients
  // of the parameters are added to; d_mixtures [batch, length] is assigned where it is given.
  template <class Loss>
  auto train_step(std::span<const T> mixtures, std::span<T> estimates, dim_t batch, Loss&& loss, std::span<T> d_mixtures = {}) {
    const dim_t length = checked_length(mixtures.size(), estimates.size(), batch);
    reserve(pass::train, batch, length);
    d_estimates_.resize(estimates.size());
    context<B> ctx(backend_, memory_, pass::train, values_, gradients(), state_);
    typename Net::template saved<T> saved;
    forward(ctx, batch, length, const_cast<T*>(mixtures.data()), estimates.data(), saved);
    const typename Net::estimate_shape out(batch, length);
    auto value = loss(ctx, estimate_view{estimates.data(), out}, estimate_view{d_estimates_.data(), out});
    net_.backward(ctx, view<typename Net::estimate_shape, const T>{d_estimates_.data(), out},
                  mixture_view{d_mixtures.empty() ? nullptr : d_mixtures.data(), typename Net::mixture_shape(batch, length)},
                  saved);
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
  void reserve(pass mode, dim_t batch, dim_t length) {
    const std::size_t need = planned_bytes(mode, batch, length);
    if (memory_.measures() || memory_.capacity() < need) {
      memory_ = arena();  // gives the old one back first
      memory_ = arena(need);
    }
    memory_.reset();
  }

  template <class C>
  void forward(C& ctx, dim_t batch, dim_t length, T* x, T* y, typename Net::template saved<T>& saved) const {
    net_.forward(ctx, mixture_view{x, typename Net::mixture_shape(batch, length)},
                 estimate_view{y, typename Net::estimate_shape(batch, length)}, saved);
  }

  Net net_;
  B backend_;
  arena memory_;
  std::vector<T> values_, gradients_, state_, d_estimates_;
};

}  // namespace avss
