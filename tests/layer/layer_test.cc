// The simple layers: values by hand, gradients, memory.
#include <gtest/gtest.h>

#include <avss/layer/act_norm.hpp>
#include <avss/layer/depthwise.hpp>
#include <avss/layer/pointwise.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/pointwise.hpp>
#include <tests/support/layer_run.hpp>

namespace avss {
namespace {

using frames = shape<dyn, 3, dyn>;
using planes = shape<dyn, 3, dyn, 4>;
using rows = shape<dyn, 3>;

using test::check_layer;

TEST(pointwise, gradients) {
  check_layer(pointwise<pointwise_spec{3, 5}>{}, frames(2, 4));
  check_layer(pointwise<pointwise_spec{3, 2, false}>{}, planes(2, 3));
  static_assert(std::is_same_v<pointwise<pointwise_spec{3, 5}>::out_shape<planes>, shape<dyn, 5, dyn, 4>>);
  EXPECT_EQ((pointwise<pointwise_spec{3, 5}>::out(planes(2, 7))), (shape<dyn, 5, dyn, 4>(2, 7)));
}

TEST(linear, gradients) {
  check_layer(linear<linear_spec{3, 5}>{}, rows(4));
  check_layer(linear<linear_spec{3, 2, false}>{}, rows(1));
}

TEST(linear, values) {
  linear<linear_spec{2, 2}> layer;
  const param_extent e = assign_offsets(layer);
  std::vector<double> v(static_cast<std::size_t>(e.values));
  const double weight[] = {1, 2, 3, 4}, bias[] = {10, 20};
  std::copy_n(weight, 4, v.begin() + layer.weight.offset);
  std::copy_n(bias, 2, v.begin() + layer.bias.offset);
  const auto r = test::run_layer<reference<double>>(layer, e, shape<dyn, 2>(2), v, {1, 1, 0, 2}, pass::infer);
  EXPECT_EQ(r.y, (std::vector<double>{13, 27, 14, 28}));
}

TEST(prelu, gradients) {
  check_layer(prelu{}, frames(2, 4));
  check_layer(prelu{}, shape<dyn>(7));
}

TEST(channel_norm, gradients) {
  check_layer(channel_norm<channel_norm_spec{3, norm_kind::global, 1e-3}>{}, frames(2, 4));
  check_layer(channel_norm<channel_norm_spec{3, norm_kind::per_frame, 1e-3}>{}, frames(2, 4));
  check_layer(channel_norm<channel_norm_spec{3, norm_kind::cumulative, 1e-3}>{}, frames(2, 4));
  check_layer(channel_norm<channel_norm_spec{3, norm_kind::per_frame, 1e-3}>{}, rows(4));
  check_layer(channel_norm<channel_norm_spec{3, norm_kind::global, 1e-3}>{}, planes(2, 2));
}

TEST(depthwise, gradients) {
  check_layer(depthwise<depthwise_spec{3, 3}>{}, frames(2, 5));
  check_layer(depthwise<depthwise_spec{.channels = 3, .kernel = 4, .dilation = 2, .bias = false, .causal = true}>{},
              frames(2, 5));
  check_layer(depthwise<depthwise_spec{3, 5, 8}>{}, frames(1, 5));
}

TEST(layers, have_the_names_of_a_state_dict) {
  const auto names = [](auto layer) {
    std::string all;
    for (const param_info& p : list_params(layer)) {
      all += p.name + "[";
      for (dim_t n : p.shape) all += std::to_string(n) + " ";
      all.back() = ']';
    }
    return all;
  };
  EXPECT_EQ(names(pointwise<pointwise_spec{3, 5}>{}), "weight[5 3 1]bias[5]");
  EXPECT_EQ(names(linear<linear_spec{3, 5, false}>{}), "weight[5 3]");
  EXPECT_EQ(names(prelu{}), "weight[1]");
  EXPECT_EQ(names(channel_norm<channel_norm_spec{3}>{}), "weight[3]bias[3]");
  EXPECT_EQ(names(depthwise<depthwise_spec{3, 5}>{}), "weight[3 1 5]bias[3]");
}

}  // namespace
}  // namespace avss
