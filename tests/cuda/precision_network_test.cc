// What products in reduced precision cost whole networks, forward and backward: the device's kernels, run by the emulator,
// against the definition in double.
#include <gtest/gtest.h>

#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/layer/init.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <cmath>
#include <span>
#include <tests/model/rtfsnet_definition.hpp>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <tests/support/run_network.hpp>
#include <utility>
#include <vector>

namespace avss {
namespace {

constexpr product_precision tf32 = product_precision::tensor_float32, bf16 = product_precision::bfloat16;

// Root of the mean square difference, as a fraction of the exact one's.
template <class A, class B>
double off(const A& a, const B& exact) {
  double difference = 0, whole = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(exact[i]);
    difference += d * d;
    whole += static_cast<double>(exact[i]) * static_cast<double>(exact[i]);
  }
  return std::sqrt(difference / whole);
}

constexpr convtasnet_config small{.filters = 32,
                                  .window = 16,
                                  .stride = 8,
                                  .bottleneck = 16,
                                  .skip = 16,
                                  .hidden = 32,
                                  .blocks = 3,
                                  .repeats = 2,
                                  .padding = edge_padding::both_ends};

struct costs {
  double y, gradient;
};

costs of_convtasnet(product_precision p) {
  const ConvTasNet<small> net;
  std::vector<float> values(static_cast<std::size_t>(net.extent().values)), none;
  init_params(net, 5, std::span<float>(values), std::span<float>(none));
  std::vector<double> given(values.begin(), values.end());
  const std::vector<double> x = test::draw("x", 2 * 800), dy = test::draw("dy", 2 * 2 * 800);
  const auto exact = test::run_network<reference<double>>(net, given, x, 2, dy);
  const auto ours =
      test::run_network<emulated_cuda>(net, values, {x.begin(), x.end()}, 2, {dy.begin(), dy.end()}, 0, emulated_cuda(p));
  return {off(ours.y, exact.y), off(ours.gradients, exact.gradients)};
}

// So much of one policy, and less of the finer ones: so that a policy that does nothing shows.
void expect_costs(const costs& exact, const costs& ten, const costs& seven, const costs& limit_ten, const costs& limit_seven) {
  EXPECT_LE(exact.y, 1e-6);
  EXPECT_LE(exact.gradient, 5e-6);
  EXPECT_LE(ten.y, limit_ten.y);
  EXPECT_LE(ten.gradient, limit_ten.gradient);
  EXPECT_LE(seven.y, limit_seven.y);
  EXPECT_LE(seven.gradient, limit_seven.gradient);
  EXPECT_GT(ten.y, 20 * exact.y);
  EXPECT_GT(seven.y, 4 * ten.y);
  EXPECT_GT(seven.gradient, 2 * ten.gradient);
}

TEST(PrecisionOfNetworks, convtasnet) {
  expect_costs(of_convtasnet(product_precision::float32), of_convtasnet(tf32), of_convtasnet(bf16), {1e-3, 0.02}, {5e-3, 0.06});
}

template <rtfsnet_config S>
costs of_rtfsnet(product_precision p, const pass_rules& rules) {
  const RtfsNet<S> net;
  std::vector<double> values, states;
  test::draw_weights(net, values, states);
  const test::rtfsnet_task task{1, 1000, 2, 9, pass::train, rules};
  const std::vector<double> x = test::draw("x", 1000), v = test::draw("v", 2 * 9 * S.video_channels),
                            dy = test::draw("dy", 2 * 1000);
  const auto run = [&](auto backend) {
    using T = typename decltype(backend)::value_type;
    std::vector<T> vals = test::as<T>(values), stat = test::as<T>(states);
    const auto give = [&](const auto&, const auto&, auto& d, auto&) { d = test::as<T>(dy); };
    return test::run_rtfsnet<decltype(backend)>(
        net, vals, stat, test::as<T>(x), test::as<T>(v), task, give, [](auto&) {}, T(0), backend);
  };
  const auto ours = run(emulated_cuda(p));
  const auto exact = run(reference<double>());
  return {off(ours.y, exact.y), off(ours.gradients, exact.gradients)};
}

template <rtfsnet_config S>
void expect_rtfsnet(const pass_rules& rules, double bf16_gradient) {
  expect_costs(of_rtfsnet<S>(product_precision::float32, rules), of_rtfsnet<S>(tf32, rules), of_rtfsnet<S>(bf16, rules),
               {2e-3, 0.04}, {0.015, bf16_gradient});
}

TEST(PrecisionOfNetworks, rtfsnet) { expect_rtfsnet<test::official>({}, 0.1); }
TEST(PrecisionOfNetworks, rtfsnet_other) { expect_rtfsnet<test::other>({}, 0.1); }
// Statistics of a batch of nine frames of two faces hang on each of them.
TEST(PrecisionOfNetworks, rtfsnet_training) { expect_rtfsnet<test::official>({.batch_statistics = true}, 0.25); }

}  // namespace
}  // namespace avss
