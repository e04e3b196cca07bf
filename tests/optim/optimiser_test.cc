#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/cpu/optim.hpp>
#include <avss/cpu/to_host.hpp>
#include <avss/cuda/optim.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/optim/adam.hpp>
#include <avss/optim/average.hpp>
#include <avss/optim/clip.hpp>
#include <avss/optim/sgd.hpp>
#include <avss/reference/optim.hpp>
#include <avss/reference/to_host.hpp>
#include <cmath>
#include <limits>

namespace avss {
namespace {

constexpr dim_t extent = 70000;  // several chunks
const std::vector<flat_range> trained{{0, 40000}, {40016, 5}, {48000, 22000}};

bool is_trained(dim_t i) {
  for (const flat_range& r : trained)
    if (i >= r.offset && i < r.offset + r.size) return true;
  return false;
}

template <class T>
std::vector<T> numbers(int seed) {
  std::vector<T> v(static_cast<std::size_t>(extent));
  std::uint32_t x = static_cast<std::uint32_t>(seed);
  for (T& e : v) {
    x = x * 1664525u + 1013904223u;
    e = static_cast<T>(static_cast<float>(x / 4294967296.0 * 2 - 1));
  }
  return v;
}

// Three clipped steps with an average; gradients that are not trained are NaN.
template <class B, class Optimiser>
std::vector<typename B::value_type> train(B backend, Optimiser optimiser, std::optional<double> momentum,
                                          std::vector<typename B::value_type>* average = nullptr) {
  using T = typename B::value_type;
  arena memory(1 << 16);
  context<B> ctx(backend, memory, pass::train);
  std::vector<T> values = numbers<T>(1);
  moving_average<T> mean(0.9, trained, values);
  for (int s = 0; s < 3; ++s) {
    std::vector<T> gradients = numbers<T>(10 + s);
    for (dim_t i = 0; i < extent; ++i)
      if (!is_trained(i)) gradients[static_cast<std::size_t>(i)] = std::numeric_limits<T>::quiet_NaN();
    const clip_result c = clip_gradients(ctx, std::span<T>(gradients), trained, 100);
    EXPECT_TRUE(c.finite());
    EXPECT_GT(c.norm, 100);
    optimiser.step(ctx, values, gradients, {0.01, momentum});
    mean.update(ctx, values);
  }
  if (average) *average = mean.values();
  return values;
}

template <template <class, class> class Optimiser, class Backend, class Config>
void compare(Backend backend, Config config, std::optional<double> momentum = {}) {
  std::vector<float> average;
  std::vector<double> exact_average;
  const auto with = [&]<class T>(T) { return Optimiser<T, std::vector<T>>(config, trained, extent); };
  const auto start = numbers<float>(1);
  const auto fast = train(backend, with(0.f), momentum, &average);
  const auto plain = train(reference<float>{}, with(0.f), momentum);
  const auto exact = train(reference<double>{}, with(0.0), momentum, &exact_average);
  for (std::size_t i = 0; i < fast.size(); ++i) {
    if (!is_trained(static_cast<dim_t>(i))) {
      ASSERT_EQ(fast[i], start[i]);
      ASSERT_EQ(exact[i], start[i]);
      continue;
    }
    ASSERT_NE(fast[i], start[i]);
    ASSERT_NEAR(fast[i], exact[i], 2e-6);
    ASSERT_NEAR(fast[i], plain[i], 2e-6);
    ASSERT_NEAR(average[i], exact_average[i], 2e-6);
  }
  if constexpr (std::is_same_v<Backend, cpu>) {
    EXPECT_EQ(train(cpu{3}, with(0.f), momentum), fast);
  }
}

template <class Backend>
void compare_all(Backend backend) {
  compare<adam>(backend, adamw_config);
  compare<adam>(backend, adam_config{.weight_decay = 0.3}, 0.8);
  compare<sgd>(backend, sgd_config{});
  compare<sgd>(backend, sgd_config{.momentum = 0.9, .dampening = 0.2, .weight_decay = 0.1});
  compare<sgd>(backend, sgd_config{.momentum = 0.9, .nesterov = true}, 0.7);
}

TEST(optimiser, cpu_equals_the_reference) { compare_all(cpu{1}); }
TEST(optimiser, cuda_equals_the_reference) { compare_all(emulated_cuda{}); }

template <class B>
void check_clipping(B backend) {
  using T = typename B::value_type;
  arena memory(1 << 12);
  context<B> ctx(backend, memory, pass::train);
  const std::vector<flat_range> ranges{{0, 2}, {3, 1}};
  std::vector<T> g{3, 4, 100, 12};
  EXPECT_NEAR(clip_gradients(ctx, std::span<T>(g), ranges, 20).norm, 13, 1e-12);
  EXPECT_EQ(g, (std::vector<T>{3, 4, 100, 12}));
  EXPECT_NEAR(clip_gradients(ctx, std::span<T>(g), ranges, 1.3).norm, 13, 1e-12);
  EXPECT_NEAR(g[0], 0.3 * 13 / (13 + 1e-6), 1e-8);
  EXPECT_NEAR(g[3], 1.2 * 13 / (13 + 1e-6), 1e-7);
  EXPECT_EQ(g[2], 100);
  for (const T bad : {std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN()}) {
    std::vector<T> broken{1, bad, 1, 1};
    EXPECT_FALSE(clip_gradients(ctx, std::span<T>(broken), ranges, 0.1).finite());
    EXPECT_EQ(broken[0], 1);
    EXPECT_EQ(broken[3], 1);
  }
  EXPECT_NEAR(clip_gradients(ctx, std::span<T>(g), {}, std::numeric_limits<double>::infinity()).norm, 0, 0);
  EXPECT_THROW(clip_gradients(ctx, std::span<T>(g), ranges, 0), error);
  EXPECT_THROW(clip_gradients(ctx, std::span<T>(g), {{3, 2}}, 1), error);
}

TEST(optimiser, clipping) {
  check_clipping(cpu{1});
  check_clipping(emulated_cuda{});
  check_clipping(reference<float>{});
  check_clipping(reference<double>{});
}

struct network {
  param<3> a;
  param<20> b;
  param<2> c;
  param<5> d;
  state<7> s;
  template <class V>
  void visit(V&& v) {
    v("a", a), v("b", b), v("c", c), v("d", d), v("s", s);
  }
};

TEST(optimiser, ranges_skip_what_is_not_trained) {
  network net;
  net.c.trained = false;
  assign_offsets(net);
  EXPECT_EQ(trained_ranges(net), (std::vector<flat_range>{{0, 36}, {64, 5}}));
}

TEST(optimiser, resumes_bit_equal) {
  arena memory(1 << 12);
  context<cpu> ctx(cpu{1}, memory, pass::train);
  const auto steps = [&](auto& optimiser, std::vector<float>& values, int first, int last) {
    for (int s = first; s < last; ++s) optimiser.step(ctx, values, numbers<float>(s), {0.01});
  };
  const auto check = [&](auto make) {
    auto whole = make(), first = make(), second = make();
    auto expected = numbers<float>(1), found = expected;
    steps(whole, expected, 0, 6);
    steps(first, found, 0, 3);
    // What a checkpoint would hold.
    std::int64_t step = 0;
    std::vector<std::vector<float>> moments;
    first.visit_state([&](const char*, auto& x) {
      if constexpr (std::is_same_v<std::remove_reference_t<decltype(x)>, std::int64_t>)
        step = x;
      else
        moments.push_back(x);
    });
    std::size_t k = 0;
    second.visit_state([&](const char*, auto& x) {
      if constexpr (std::is_same_v<std::remove_reference_t<decltype(x)>, std::int64_t>)
        x = step;
      else
        x = moments[k++];
    });
    steps(second, found, 3, 6);
    EXPECT_EQ(found, expected);
  };
  check([] { return adam<float>(adamw_config, trained, extent); });
  check([] { return sgd<float>({.momentum = 0.9}, trained, extent); });
}

TEST(optimiser, refuses_what_cannot_be) {
  EXPECT_THROW(adam<float>({.beta1 = 1}, {}, 8), error);
  EXPECT_THROW(adam<float>({.beta2 = 1.5}, {}, 8), error);
  for (double eps : {0., -1e-8, 1e-60}) EXPECT_THROW(adam<float>({.eps = eps}, {}, 8), error) << eps;
  EXPECT_THROW(adam<float>({}, {{4, 5}}, 8), error);
  EXPECT_THROW(sgd<float>({.nesterov = true}, {}, 8), error);
  EXPECT_THROW(moving_average<float>(1.0, {}, std::vector<float>(8)), error);
  arena memory(1 << 12);
  context<cpu> ctx(cpu{1}, memory, pass::train);
  std::vector<float> eight(8), nine(9);
  adam<float> a({}, {{0, 8}}, 8);
  EXPECT_THROW(a.step(ctx, nine, eight, {0.1}), error);
  EXPECT_THROW(a.step(ctx, eight, eight, {0.1, 1.0}), error);
  sgd<float> s({}, {{0, 8}}, 8);
  EXPECT_THROW(s.step(ctx, eight, eight, {0.1, 0.9}), error);
}

}  // namespace
}  // namespace avss
