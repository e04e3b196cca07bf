// Runs a waveform network forward and backward the way a tool does: plan, allocate once, run.
#pragma once

#include <avss/core/context.hpp>
#include <limits>
#include <type_traits>
#include <vector>

namespace avss::test {

template <class T>
inline constexpr T poison = std::numeric_limits<T>::quiet_NaN();

// Working memory of a pass over x [batch, length], in bytes.
template <class B, class Net>
std::size_t planned_bytes(const Net& net, dim_t batch, dim_t length, pass mode, B backend = {}) {
  using T = typename B::value_type;
  arena sizes;
  context<measure<B>> ctx({backend}, sizes, mode);
  typename Net::template saved<T> s;
  const view<typename Net::mixture_shape, T> x{nullptr, typename Net::mixture_shape(batch, length)};
  const view<typename Net::estimate_shape, T> y{nullptr, typename Net::estimate_shape(batch, length)};
  net.forward(ctx, x, y, s);
  if (mode == pass::train) net.backward(ctx, view<typename Net::estimate_shape, const T>(y), x, s);
  return sizes.peak();
}

template <class T>
struct network_result {
  std::vector<T> y, dx, gradients;  // gradients as the network's offsets say
  std::size_t peak = 0;             // bytes of working memory that were used
};

// x [batch, length]. With dy [batch, C, length], also backward; gradients start as `gradient_start`. What is to be
// overwritten, the working memory included, is NaN before.
template <class B, class Net>
network_result<typename B::value_type> run_network(const Net& net, std::vector<typename B::value_type>& values,
                                                   std::vector<typename B::value_type> x, dim_t batch,
                                                   const std::vector<typename B::value_type>& dy = {},
                                                   typename B::value_type gradient_start = 0, B backend = {}) {
  using T = typename B::value_type;
  const dim_t length = static_cast<dim_t>(x.size()) / batch;
  const pass mode = dy.empty() ? pass::infer : pass::train;
  arena memory(planned_bytes(net, batch, length, mode, backend));
  std::fill_n(static_cast<T*>(memory.take_front(0)), memory.capacity() / sizeof(T), poison<T>);
  network_result<T> r;
  r.gradients.assign(values.size(), gradient_start);
  r.y.assign(static_cast<std::size_t>(batch * Net::sources * length), poison<T>);
  context<B> ctx(backend, memory, mode, values, r.gradients);
  typename Net::template saved<T> s;
  const view<typename Net::mixture_shape, T> in{x.data(), typename Net::mixture_shape(batch, length)};
  net.forward(ctx, in, view<typename Net::estimate_shape, T>{r.y.data(), typename Net::estimate_shape(batch, length)}, s);
  if (mode == pass::train) {
    r.dx.assign(x.size(), poison<T>);
    net.backward(ctx, view<typename Net::estimate_shape, const T>{dy.data(), typename Net::estimate_shape(batch, length)},
                 view<typename Net::mixture_shape, T>{r.dx.data(), in.extents}, s);
  }
  r.peak = memory.peak();
  return r;
}

}  // namespace avss::test
