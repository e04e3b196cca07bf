// The reference backend's backward operations against central differences of its forward operations.
#include <gtest/gtest.h>

#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <string>
#include <tests/op/cases.hpp>
#include <tests/support/gradient_check.hpp>

namespace avss {
namespace {

using test::check_gradients;
using test::norm_kinds;

std::vector<test::act_norm_use> uses() {
  std::vector<test::act_norm_use> all;
  for (norm_kind n : norm_kinds)
    for (bool slope : {false, true}) all.push_back({slope, n, 1e-4});
  return all;
}

std::string name(const test::act_norm_use& u) {
  return std::string(u.slope ? "PReLU, " : "") + "norm " + std::to_string(static_cast<int>(u.norm));
}

TEST(act_norm, gradients) {
  for (const auto& use : uses())
    for (int mode = 0; mode < 3; ++mode) {
      SCOPED_TRACE(name(use) + " mode " + std::to_string(mode));
      check_gradients(test::act_norm_case{2, 3, 5, use, mode == 1, mode == 2});
    }
}

TEST(pointwise, gradients) {
  int i = 0;
  for (const auto& use : uses())
    for (bool two : {false, true}) {
      ++i;
      SCOPED_TRACE(name(use) + (two ? " two targets" : ""));
      test::pointwise_case c{2, 3, 4, {4}, use};
      if (two) c.outs.push_back(2);
      c.bias = i % 2;
      c.residual = i % 3;
      check_gradients(c);
      c.accumulate = use.norm == norm_kind::none;
      if (c.accumulate) check_gradients(c);
    }
}

TEST(pointwise, gradients_through_what_follows) {
  for (const auto& next : uses())
    for (const auto& use : {uses().front(), uses().back()}) {
      SCOPED_TRACE(name(use) + " then " + name(next));
      check_gradients(test::pointwise_case{2, 3, 4, {3}, use, next});
    }
}

TEST(depthwise, gradients) {
  int i = 0;
  for (const auto& use : uses())
    for (const auto& next : uses()) {
      ++i;
      SCOPED_TRACE(name(use) + " then " + name(next));
      const bool causal = i % 2;
      check_gradients(
          test::depthwise_case{2, 2, 7, causal ? 4 : 3, dim_t{1} << i % 3, causal, use, next, i % 5 != 0, i % 4 == 0});
    }
}

TEST(depthwise, gradients_where_the_filters_reach_beyond_the_frames) {
  check_gradients(test::depthwise_case{1, 2, 3, 3, 8});
  check_gradients(test::depthwise_case{1, 2, 3, 5, 2, true});
  check_gradients(test::depthwise_case{2, 3, 1, 3, 1});
}

TEST(filterbank, analysis_gradients) {
  for (activation act : {activation::identity, activation::relu})
    for (norm_kind norm : norm_kinds)
      for (dim_t left : {0, 2}) {
        SCOPED_TRACE("activation " + std::to_string(static_cast<int>(act)) + " norm " + std::to_string(static_cast<int>(norm)));
        test::analysis_case c{2, 11, 3, 5, 2, 4 + left / 2, left, act, left == 0, {false, norm, 1e-3}};
        check_gradients(c);
        c.want_dx = false;
        check_gradients(c);
        check_gradients(test::analysis_case{1, 3, 2, 5, 2, 1, left, act});  // shorter than the window
      }
}

TEST(filterbank, masked_synthesis_gradients) {
  int i = 0;
  for (activation act : {activation::identity, activation::relu, activation::sigmoid, activation::softmax})
    for (dim_t sources : {1, 2, 3})
      for (dim_t left : {0, 2}) {
        ++i;
        SCOPED_TRACE("activation " + std::to_string(static_cast<int>(act)) + " sources " + std::to_string(sources));
        check_gradients(
            test::synthesis_case{2, 3, sources, 2, 5, 2, 4, left, 11 - left + i % 3, act, i % 2 == 0, i % 3 != 0, i % 4 != 0});
      }
}

// Values worked out by hand: the definition itself, not only that backward fits forward.
TEST(act_norm, values) {
  reference<double> backend;
  const std::vector<double> x{1, -2, 3, 5};  // C 2, T 2
  const double slope = 0.5, gamma[] = {2, 1}, beta[] = {0, 10};
  std::vector<double> y(4), mean(2), rstd(2);
  op::act_norm<double> f{&slope, norm_kind::per_frame, 0, gamma, beta, mean.data(), rstd.data()};
  const auto run = [&](norm_kind n) {
    f.norm = n;
    execute(backend, op::moments<double>{1, 2, 2, x.data(), f}, nullptr);
    execute(backend, op::act_norm_fwd<double>{1, 2, 2, x.data(), f, y.data()}, nullptr);
  };
  run(norm_kind::per_frame);  // a = {1, -1; 3, 5}
  EXPECT_EQ(mean, (std::vector<double>{2, 2}));
  EXPECT_EQ(y, (std::vector<double>{-2, -2, 11, 11}));
  run(norm_kind::cumulative);
  EXPECT_EQ(mean, (std::vector<double>{2, 2}));
  EXPECT_DOUBLE_EQ(rstd[0], 1);
  EXPECT_DOUBLE_EQ(rstd[1], 1 / std::sqrt(5.));
  run(norm_kind::global);
  EXPECT_DOUBLE_EQ(mean[0], 2);
  EXPECT_DOUBLE_EQ(y[1], 2 * -3 / std::sqrt(5.));
  run(norm_kind::none);
  EXPECT_EQ(y, (std::vector<double>{1, -1, 3, 5}));
}

TEST(depthwise, values) {
  reference<double> backend;
  const std::vector<double> x{1, 2, 3, 4}, weight{1, 10, 100};
  std::vector<double> y(4);
  const double bias = 0.5;
  op::depthwise_fwd<double> o{1, 1, 4, 3, 1, 1, x.data(), {}, weight.data(), &bias, y.data()};
  execute(backend, o, nullptr);
  EXPECT_EQ(y, (std::vector<double>{210.5, 321.5, 432.5, 43.5}));
  o.left = 4;  // causal, dilation 2
  o.dilation = 2;
  execute(backend, o, nullptr);
  EXPECT_EQ(y, (std::vector<double>{100.5, 200.5, 310.5, 420.5}));
}

}  // namespace
}  // namespace avss
