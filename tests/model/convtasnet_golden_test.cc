// Conv-TasNet, all switches, against an independent implementation (tests/golden/make_convtasnet_golden.py).
#include <gtest/gtest.h>

#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/filterbank.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/reference/act_norm.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <tests/support/compare.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/run_network.hpp>

namespace avss {
namespace {

using test::expect_close;

constexpr convtasnet_config torchaudio() {
  return {.filters = 7,
          .window = 4,
          .stride = 2,
          .bottleneck = 5,
          .skip = 4,
          .hidden = 6,
          .blocks = 2,
          .repeats = 2,
          .padding = edge_padding::both_ends};
}

constexpr convtasnet_config asteroid() {
  convtasnet_config c = torchaudio();
  c.padding = edge_padding::none;
  c.last = last_residual::unused;
  c.mask = activation::relu;
  return c;
}

template <class Change>
constexpr convtasnet_config with(convtasnet_config c, Change change) {
  change(c);
  return c;
}

template <class Backend>
class ConvTasNetGolden : public testing::Test {};
using backends = testing::Types<reference<double>, cpu>;
TYPED_TEST_SUITE(ConvTasNetGolden, backends);

template <class B, convtasnet_config S>
void expect_golden(const std::string& name) {
  using T = typename B::value_type;
  SCOPED_TRACE(name);
  const auto golden = test::read_golden("tests/golden/convtasnet", name);
  const ConvTasNet<S> net;
  const std::vector<param_info> list = list_params(net);
  std::vector<T> values(static_cast<std::size_t>(net.extent().values));
  std::size_t n_params = 0, n_gradients = 0;
  double top_gradient = 0;
  for (const auto& [key, a] : golden) {
    n_params += key.starts_with("param/");
    n_gradients += key.starts_with("grad/");
    if (key.starts_with("grad/"))
      for (double g : a.values) top_gradient = std::max(top_gradient, std::abs(g));
  }
  ASSERT_EQ(list.size(), n_params);
  for (const param_info& p : list) {
    ASSERT_TRUE(golden.contains("param/" + p.name)) << p.name;
    const auto& a = golden.at("param/" + p.name);
    ASSERT_EQ(a.shape, p.shape) << p.name;
    std::copy(a.values.begin(), a.values.end(), values.begin() + p.offset);
  }

  const auto& x = golden.at("x");
  const dim_t batch = x.shape[0];
  const T start = 0.5;
  const auto trained = test::run_network<B>(net, values, x.as<T>(), batch, golden.at("dy").as<T>(), start);
  const double limit = sizeof(T) == sizeof(float) ? 1e-5 : 1e-10;
  expect_close(trained.y, golden.at("y").values, limit, "y");
  expect_close(trained.dx, golden.at("dx").values, limit, "dx");
  // Sums of terms that nearly cancel are as exact as the terms, in float not as the sum.
  const double floor = sizeof(T) == sizeof(float) ? top_gradient / 10 : 0;
  for (const param_info& p : list) {
    std::vector<T> gradient(trained.gradients.begin() + p.offset, trained.gradients.begin() + p.offset + p.size);
    for (T& g : gradient) g -= start;
    n_gradients -= p.trained;
    if (p.trained)
      expect_close(gradient, golden.at("grad/" + p.name).values, limit, p.name, floor);
    else
      EXPECT_EQ(gradient, std::vector<T>(gradient.size())) << p.name;
  }
  EXPECT_EQ(n_gradients, 0u);

  const auto inferred = test::run_network<B>(net, values, x.as<T>(), batch);
  EXPECT_EQ(inferred.y, trained.y) << "training and inference differ";
}

TYPED_TEST(ConvTasNetGolden, torchaudio) {
  expect_golden<TypeParam, with(torchaudio(), [](auto& c) { c.mask = activation::relu, c.window = 5; })>("torchaudio_relu");
  expect_golden<TypeParam, torchaudio()>("torchaudio_sigmoid");
  expect_golden<TypeParam, with(torchaudio(), [](auto& c) { c.blocks = 1; })>("torchaudio_one_sample");
}

TYPED_TEST(ConvTasNetGolden, asteroid) {
  expect_golden<TypeParam, with(asteroid(), [](auto& c) { c.kernel = 5; })>("asteroid");
  expect_golden<TypeParam, with(asteroid(), [](auto& c) {
                  c.skip = 0, c.last = last_residual::used, c.mask = activation::softmax;
                  c.sources = 3, c.window = 5, c.stride = 3;
                })>("asteroid_no_skip_softmax");
}

TYPED_TEST(ConvTasNetGolden, asteroid_causal) {
  expect_golden<TypeParam, with(asteroid(), [](auto& c) {
                  c.causal = true, c.first_norm = c.norm = norm_kind::per_frame, c.kernel = 4;
                })>("asteroid_causal_per_frame");
  expect_golden<TypeParam, with(asteroid(), [](auto& c) {
                  c.causal = true, c.first_norm = c.norm = norm_kind::cumulative;
                  c.mask = activation::sigmoid, c.blocks = 3, c.repeats = 1;
                })>("asteroid_causal_cumulative");
}

TYPED_TEST(ConvTasNetGolden, end_to_window) {
  expect_golden<TypeParam, with(asteroid(), [](auto& c) {
                  c.padding = edge_padding::end_to_window, c.encoder_bias = c.decoder_bias = true;
                  c.first_eps = c.eps = 1e-5, c.mask = activation::sigmoid, c.window = 8, c.stride = 4;
                })>("end_to_window");
}

TYPED_TEST(ConvTasNetGolden, kaituoxu) {
  expect_golden<TypeParam, with(asteroid(), [](auto& c) {
                  c.encoder_activation = activation::relu, c.first_norm = norm_kind::per_frame, c.bias = false;
                  c.skip = 0, c.last = last_residual::used, c.mask_prelu = false;
                })>("kaituoxu");
}

TYPED_TEST(ConvTasNetGolden, authors) {
  expect_golden<TypeParam, with(asteroid(), [](auto& c) { c.padding = edge_padding::authors, c.mask = activation::sigmoid; })>(
      "authors");
  expect_golden<TypeParam, with(asteroid(), [](auto& c) {
                  c.padding = edge_padding::authors, c.causal = true, c.first_norm = c.norm = norm_kind::cumulative;
                  c.mask = activation::sigmoid, c.repeats = 1;
                })>("authors_causal");
}

}  // namespace
}  // namespace avss
