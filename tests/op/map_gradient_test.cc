// The reference backend's operations on maps and sequences: backward against central differences of forward, and the other
// element type against double.
#include <gtest/gtest.h>

#include <avss/reference/rtfsnet.hpp>
#include <string>
#include <tests/op/fusion_cases.hpp>
#include <tests/op/map_cases.hpp>
#include <tests/op/sequence_cases.hpp>
#include <tests/support/against_reference.hpp>
#include <tests/support/gradient_check.hpp>

namespace avss {
namespace {

// Gradients in double, and float against double.
template <class Case>
void check(const Case& c, double limit = 1e-6) {
  test::check_gradients(c, limit);
  test::check_against_reference<reference<float>>(c, 2e-4);
}

TEST(map_norm, gradients) {
  int i = 0;
  for (norm_over over : test::norms_over)
    for (curve pre : {curve::identity, curve::relu, curve::prelu})
      for (curve post : test::curves)
        for (bool fixed : {false, true}) {
          ++i;
          SCOPED_TRACE("over " + std::to_string(static_cast<int>(over)) + " pre " + std::to_string(static_cast<int>(pre)) +
                       " post " + std::to_string(static_cast<int>(post)) + (fixed ? " fixed" : ""));
          check(test::map_norm_case{{2, 3, 2, 4}, {over, pre, post, fixed}, i % 2 == 0, i % 3 == 0, i % 3 == 1}, 1e-5);
        }
}

TEST(map_norm, running_statistics) {
  reference<double> backend;
  const double mean[] = {2, 3}, rstd[] = {0.5, 0.1};
  double running_mean[] = {1, -1}, running_var[] = {1, 2}, batches = 6;
  execute(backend, op::update_running<double>{2, 5, 0, 0.1, mean, rstd, running_mean, running_var, &batches}, nullptr);
  EXPECT_DOUBLE_EQ(running_mean[0], 0.9 + 0.2);
  EXPECT_DOUBLE_EQ(running_mean[1], -0.9 + 0.3);
  EXPECT_DOUBLE_EQ(running_var[0], 0.9 + 0.1 * 4 * 5 / 4);
  EXPECT_DOUBLE_EQ(running_var[1], 1.8 + 0.1 * 100 * 5 / 4);
  EXPECT_EQ(batches, 7);
  double m[2], r[2];
  execute(backend, op::running_to_moments<double>{2, 0.25, running_mean, running_var, m, r}, nullptr);
  EXPECT_EQ(m[0], running_mean[0]);
  EXPECT_DOUBLE_EQ(r[1], 1 / std::sqrt(running_var[1] + 0.25));
}

TEST(spectrum, gradients) {
  for (const op::framing& n : {op::framing{2, 21, 21, 8, 4}, {1, 24, 24, 8, 4}, {1, 19, 24, 8, 4}, {1, 3, 16, 8, 4}}) {
    SCOPED_TRACE(std::to_string(n.given) + " samples of " + std::to_string(n.length));
    check(test::stft_case{n});
    check(test::istft_case{n, n.given});
    check(test::istft_case{n, n.given / 4 * 4});
  }
}

TEST(spectrum, inverse) {
  const op::framing n{1, 27, 27, 8, 4};
  const std::vector<double> x = test::draw("x", 27);
  std::vector<double> spectrum(static_cast<std::size_t>(test::stft_case{n}.values())), y(x.size());
  reference<double> backend;
  execute(backend, op::stft_fwd<double>{n, x.data(), spectrum.data()}, nullptr);
  execute(backend, op::istft_fwd<double>{n, 27, spectrum.data(), y.data()}, nullptr);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 1e-12) << i;
}

TEST(conv2d, gradients) {
  for (bool transposed : {false, true})
    for (bool bias : {false, true}) {
      check(test::conv2d_case{{2, 3, 4, 5}, 2, {3, 3, 1, 1, 1, 1, 4, 5}, transposed, bias});
      check(test::conv2d_case{{1, 2, 6, 1}, 3, {3, 1, 1, 1, 1, 0, 6, 1}, transposed, bias, bias});
    }
}

TEST(depthwise2d, gradients) {
  for (bool accumulate : {false, true}) {
    check(test::depthwise2d_case{{2, 3, 5, 6}, {4, 4, 1, 1, 1, 1, 5, 6}, true, accumulate});
    check(test::depthwise2d_case{{1, 2, 7, 9}, {4, 4, 2, 2, 1, 1, 3, 4}, false, accumulate});
    check(test::depthwise2d_case{{2, 2, 7, 1}, {3, 1, 2, 1, 1, 0, 4, 1}, true, accumulate});
    check(test::depthwise2d_case{{1, 2, 1, 1}, {4, 1, 1, 1, 1, 0, 1, 1}, true, accumulate});
    check(test::grouped_pointwise_case{2, 3, 2, 4, 5, true, accumulate});
    check(test::grouped_pointwise_case{1, 2, 1, 1, 3, false, accumulate});
  }
}

TEST(resize, gradients) {
  check(test::pool_case{{2, 2, 5, 9}, 2, 4});
  check(test::pool_case{{1, 3, 4, 4}, 4, 4});
  for (norm_over over : {norm_over::none, norm_over::item, norm_over::channel})
    for (bool plus : {false, true}) {
      check(test::inject_case{{2, 2, 5, 9}, 2, 4, over, plus}, 1e-5);
      check(test::inject_case{{2, 2, 3, 2}, 3, 2, over, plus}, 1e-5);
    }
}

// Sizes at which whole numbers would give other indices.
TEST(resize, nearest_indices_are_those_of_float) {
  int differ = 0;
  for (const auto& [in, out] : {std::pair<dim_t, dim_t>{16, 82}, {24, 123}, {118, 594}, {256, 1284}})
    for (dim_t i = 0; i < out; ++i) differ += nearest_index(i, in, out) != i * in / out;
  EXPECT_GT(differ, 0);
  for (dim_t i = 0; i < 251; ++i) EXPECT_EQ(nearest_index(i, 50, 251), i * 50 / 251);
  EXPECT_EQ(nearest_index(250, 125, 251), 124);
}

TEST(fusion, gradients) {
  for (dim_t share : {1, 2})
    for (bool option : {false, true}) {
      SCOPED_TRACE("share " + std::to_string(share) + (option ? " with" : " without"));
      check(test::gateway_case{{4, 3, 2, 3}, share, true, option});
      check(test::gateway_case{{4, 3, 2, 3}, share, false});
      check(test::fusion_case{{4, 2, 5, 3}, share, 2, option}, 1e-5);
      check(test::complex_mask_case{4, share, 6, 5, option});
    }
  check(test::head_softmax_case{2, 3, 4, 5});
  check(test::head_softmax_case{1, 2, 1, 1});
}

TEST(dropout, gradients) {
  check(test::dropout_case{2, 7, 3, 0.4, false});
  check(test::dropout_case{1, 20, 1, 0.4, true});
  check(test::dropout_case{1, 3, 4, 0, true});
}

TEST(dropout, keeps_the_mean) {
  const op::dropout_rule rule{0.25, random_stream(1, "here")};
  int dropped = 0;
  for (dim_t i = 0; i < 1000000; ++i) {
    const double f = rule.factor<double>(i);
    ASSERT_TRUE(f == 0 || f == 1 / 0.75) << f;
    dropped += f == 0;
  }
  EXPECT_NEAR(dropped, 250000, 1732);  // four deviations
  int differ = 0;
  const op::dropout_rule other{0.25, random_stream(2, "here")};
  for (dim_t i = 0; i < 1000; ++i) differ += rule.factor<double>(i) != other.factor<double>(i);
  EXPECT_GT(differ, 200);
}

TEST(sequence, gradients) {
  for (bool along_bins : {false, true}) {
    check(test::walk_case{{{2, 3, 4, 5}, along_bins}, {}, true, true});
    check(test::walk_case{{{2, 3, 4, 5}, along_bins}, {norm_over::position}, false, true});
    for (bool option : {false, true}) {
      check(test::window_linear_case{{6, 2, 3, 4, 5}, along_bins, option, option});
      check(test::window_linear_case{{3, 2, 4, 1, 2}, along_bins, !option, option});
    }
  }
  check(test::window_fold_case{4, 2, 3, 3, 2});
  check(test::window_fold_case{1, 2, 2, 4, 3});
}

TEST(sequence, positions) {
  EXPECT_EQ(position_value(0, 2, 8), 0);
  EXPECT_EQ(position_value(0, 3, 8), 1);
  EXPECT_DOUBLE_EQ(position_value(3, 0, 8), std::sin(3.));
  EXPECT_DOUBLE_EQ(position_value(3, 1, 8), std::cos(3.));
  EXPECT_NEAR(position_value(50, 4, 8), std::sin(0.5), 1e-12);
}

TEST(recurrent, gradients) {
  for (dim_t products : {3, 4})
    for (bool in_place : {false, true}) check(test::sru_case{{5, 2, 3, products}, in_place});
  check(test::sru_case{{1, 1, 2, 3}});
  for (bool backward : {false, true}) {
    check(test::lstm_case{{5, 2, 3, 6, backward}});
    check(test::lstm_case{{1, 1, 2, 4, backward}});
  }
}

TEST(attention, gradients) {
  for (double rate : {0.0, 0.3}) {
    check(test::attention_case{2, 1, 4, 3, 5, false, rate});
    check(test::attention_case{2, 3, 2, 3, 4, false, rate});
    check(test::attention_case{2, 2, 4, 3, 3, true, rate});
  }
  check(test::stacked_pointwise_case{2, 3, 4, 2, 5});
  check(test::head_norm_case{2, 2, 3, 4, 1}, 1e-5);
  check(test::swap_axes_case{2, 3, 4, 2});
}

}  // namespace
}  // namespace avss
