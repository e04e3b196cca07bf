// Losses and optimiser steps on a device against the definition.
#include <gtest/gtest.h>

#include <avss/cuda/distance_loss.cuh>
#include <avss/cuda/optim.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/reference/optim.hpp>
#include <avss/reference/separation_loss.hpp>
#include <tests/cuda/device_fixture.cuh>
#include <tests/cuda/managed_memory.cuh>
#include <tests/op/bench.hpp>
#include <tests/op/distance_sweep.hpp>
#include <tests/support/compare.hpp>

namespace avss {
namespace {

using test::bench;
using test::device;

struct loss_result {
  double value;
  std::vector<std::int32_t> permutation;
  std::vector<double> gradient;
};

template <class B>
loss_result loss_on(dim_t sources) {
  using T = typename B::value_type;
  constexpr dim_t batch = 3, length = 9001;
  const moment_layout layout{sources};
  bench<B> b;
  const auto e = bench<B>::drawn("estimate", batch * sources * length), s = bench<B>::drawn("target", batch * sources * length);
  typename bench<B>::template array<double> moments(static_cast<std::size_t>(batch * layout.size())),
      pairs(static_cast<std::size_t>(batch * sources * sources)), value(1),
      coefficient(static_cast<std::size_t>(batch * sources * 3));
  typename bench<B>::template array<std::int32_t> chosen(static_cast<std::size_t>(batch * sources));
  typename bench<B>::template array<T> gradient(e.size());
  const ratio_rule rule{};
  b.run(op::pair_moments<T>{batch, sources, length, e.data(), s.data(), true, moments.data()});
  b.run(op::energy_ratio<T>{batch, sources, moments.data(), rule, true, 1, 0, pairs.data(), chosen.data(), value.data(),
                            coefficient.data()});
  b.run(op::pair_gradient<T>{batch, sources, length, e.data(), s.data(), 0, chosen.data(), coefficient.data(), gradient.data(),
                             false});
  return {value[0], {chosen.begin(), chosen.end()}, {gradient.begin(), gradient.end()}};
}

TEST_F(device, energy_ratios) {
  for (const dim_t sources : {1, 2, 3, 7}) {
    SCOPED_TRACE(sources);
    const loss_result ours = loss_on<cuda>(sources), exact = loss_on<reference<float>>(sources);
    EXPECT_NEAR(ours.value, exact.value, 1e-9);
    EXPECT_EQ(ours.permutation, exact.permutation);
    test::expect_close(ours.gradient, exact.gradient, 1e-6, "gradient");
  }
}

TEST_F(device, distances) { test::check_distances<cuda>(1e-6); }
TEST_F(device, permuting) { test::check_permuting<cuda>(); }

// Three steps of each optimiser, the gradient clipped, with a running average.
template <class B>
std::vector<double> trained_on() {
  using T = typename B::value_type;
  constexpr dim_t n = 20011;
  constexpr flat_range parts[] = {{0, 9000}, {9003, 11008}};
  const op::flat_ranges ranges{parts, 2};
  bench<B> b;
  auto value = bench<B>::drawn("value", n), average = value, gradient = value, mean = gradient, square = gradient;
  std::fill(mean.begin(), mean.end(), T(0));
  std::fill(square.begin(), square.end(), T(0));
  typename bench<B>::template array<double> norm(1);
  for (int step = 1; step <= 3; ++step) {
    gradient = bench<B>::drawn("gradient", n);
    b.run(op::gradient_norm<T>{ranges, gradient.data(), norm.data()});
    b.run(op::clip_gradient<T>{ranges, gradient.data(), norm.data(), 0.7});
    b.run(op::adam_step<T>{ranges,
                           value.data(),
                           gradient.data(),
                           mean.data(),
                           square.data(),
                           {0.9, 1e-2 / (1 - std::pow(0.9, step)), std::sqrt(1 - std::pow(0.999, step)), 1 - 1e-2 * 0.1},
                           0.999,
                           1e-8,
                           0});
    b.run(op::sgd_step<T>{ranges, value.data(), gradient.data(), nullptr, {1e-2, 0, step == 1}, 0, 0.1, false});
    b.run(op::average_step<T>{ranges, value.data(), average.data(), 0.8});
  }
  std::vector<double> all(value.begin(), value.end());
  all.insert(all.end(), average.begin(), average.end());
  return all;
}

TEST_F(device, optimisers) { test::expect_close(trained_on<cuda>(), trained_on<reference<double>>(), 1e-6, "values"); }

}  // namespace
}  // namespace avss
