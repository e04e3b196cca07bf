// Combinators: values by hand, gradients, names, memory.
#include <gtest/gtest.h>

#include <avss/cpu/copy.hpp>
#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/pointwise.hpp>
#include <avss/layer/act_norm.hpp>
#include <avss/layer/branch.hpp>
#include <avss/layer/depthwise.hpp>
#include <avss/layer/pointwise.hpp>
#include <avss/layer/residual.hpp>
#include <avss/layer/sequential.hpp>
#include <avss/reference/copy.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/pointwise.hpp>
#include <tests/support/layer_run.hpp>

namespace avss {
namespace {

using test::check_layer;
using frames = shape<dyn, 3, dyn>;

template <dim_t In, dim_t Out>
using conv = pointwise<pointwise_spec{In, Out}>;
template <dim_t C>
using norm = channel_norm<channel_norm_spec{C, norm_kind::global, 1e-3}>;
template <dim_t C>
using along = depthwise<depthwise_spec{C, 3}>;

template <class Layer>
std::string names(const Layer& layer) {
  std::string all;
  for (const param_info& p : list_params(layer)) all += p.name + " ";
  return all;
}

// y = k x, without arithmetic that rounds: results can be worked out by hand.
template <int K>
struct times {
  template <class X>
  using fit = fits;
  template <class X>
  using out_shape = X;
  template <class X>
  static constexpr X out(X x) {
    return x;
  }
  template <class X, class T>
  struct saved {};
  template <class C, class X, class T>
  void forward(C& ctx, view<X, T> x, view<X, T> y, saved<X, T>&) const {
    scale(ctx, x.size(), x.data, y.data);
  }
  template <class C, class X, class T>
  void backward(C& ctx, view<X, const T> dy, view<X, T> dx, const saved<X, T>&) const {
    scale(ctx, dx.size(), dy.data, dx.data);
  }
  template <class V>
  void visit(V&&) {}

 private:
  template <class C, class T>
  static void scale(C& ctx, dim_t n, const T* from, T* to) {
    for (int k = 0; k < K; ++k) ctx.run(op::copy<T>{1, n, n, n, from, to, k > 0});
  }
};

template <class Layer>
std::vector<double> apply(const Layer& layer, const std::vector<double>& x) {
  const auto s = shape<dyn, 1, dyn>(2, x.size() / 2);
  return test::run_layer<reference<double>>(layer, {}, s, {}, x, pass::train).y;
}

TEST(sequential, values) {
  EXPECT_EQ(apply(sequential<times<2>, times<3>, times<5>>{}, {1, 10}), (std::vector<double>{30, 300}));
  EXPECT_EQ(apply(sequential<times<7>>{}, {1, 10}), (std::vector<double>{7, 70}));
}

TEST(sequential, gradients) {
  check_layer(sequential<conv<3, 4>>{}, frames(2, 4));
  check_layer(sequential<conv<3, 4>, prelu>{}, frames(2, 4));
  check_layer(sequential<conv<3, 6>, prelu, norm<6>, along<6>, conv<6, 2>>{}, frames(2, 4));
  check_layer(sequential<prelu, sequential<conv<3, 2>, norm<2>>, conv<2, 5>>{}, frames(1, 3));
}

TEST(sequential, numbers_its_layers) {
  sequential<conv<3, 4>, sequential<prelu, norm<4>>> layers;
  EXPECT_EQ(names(layers), "0.weight 0.bias 1.0.weight 1.1.weight 1.1.bias ");
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(layers.layer<0>())>, conv<3, 4>>);
}

struct bottleneck : sequential<conv<3, 4>, prelu> {
  template <class V>
  void visit(V&& v) {
    v("conv", layer<0>());
    v("act", layer<1>());
  }
};

TEST(sequential, can_be_named) {
  EXPECT_EQ(names(bottleneck{}), "conv.weight conv.bias act.weight ");
  check_layer(bottleneck{}, frames(2, 4));
  check_layer(sequential<bottleneck, conv<4, 3>>{}, frames(2, 4));
}

TEST(sequential, infers_in_two_buffers) {
  using six = sequential<times<1>, times<1>, times<1>, times<1>, times<1>, times<1>>;
  const auto s = shape<dyn, 1, dyn>(1, 16);  // 128 bytes an array
  const auto run = [&](pass mode) {
    return test::run_layer<reference<double>>(six{}, {}, s, {}, std::vector<double>(16), mode).peak;
  };
  EXPECT_EQ(run(pass::infer), 2 * 128u);
  EXPECT_EQ(run(pass::train), (5 + 2) * 128u);  // what is kept, and two buffers on the way back
}

TEST(residual, values) { EXPECT_EQ(apply(residual<times<2>>{}, {1, 10}), (std::vector<double>{3, 30})); }

TEST(residual, gradients) {
  check_layer(residual<conv<3, 3>>{}, frames(2, 4));
  check_layer(residual<sequential<conv<3, 5>, prelu, conv<5, 3>>>{}, frames(2, 4));
  EXPECT_EQ(names(residual<conv<3, 3>>{}), "weight bias ");
}

TEST(branch_sum, values) {
  EXPECT_EQ(apply(branch_sum<times<2>, times<3>, times<10>>{}, {1, 10}), (std::vector<double>{15, 150}));
}

TEST(branch_sum, gradients) {
  check_layer(branch_sum<conv<3, 2>, sequential<prelu, conv<3, 2>>, conv<3, 2>>{}, frames(2, 4));
  check_layer(branch_sum<conv<3, 2>>{}, frames(2, 4));
  EXPECT_EQ((names(branch_sum<prelu, norm<3>>{})), "0.weight 1.weight 1.bias ");
}

TEST(branch_concat, values) {
  // Two items: channels of the first, then channels of the second.
  EXPECT_EQ(apply(branch_concat<times<2>, times<3>>{}, {1, 10, 100, 1000}),
            (std::vector<double>{2, 20, 3, 30, 200, 2000, 300, 3000}));
}

TEST(branch_concat, gradients) {
  check_layer(branch_concat<conv<3, 2>, along<3>, sequential<conv<3, 4>, norm<4>>>{}, frames(2, 4));
  check_layer(branch_concat<conv<3, 2>>{}, frames(3, 1));
  static_assert(std::is_same_v<branch_concat<conv<3, 2>, along<3>>::out_shape<frames>, shape<dyn, 5, dyn>>);
}

TEST(repeat_shared, values) {
  EXPECT_EQ(apply(repeat_shared<1, times<2>>{}, {1, 10}), (std::vector<double>{2, 20}));
  EXPECT_EQ(apply(repeat_shared<2, times<2>>{}, {1, 10}), (std::vector<double>{4, 40}));
  EXPECT_EQ(apply(repeat_shared<5, times<2>>{}, {1, 10}), (std::vector<double>{32, 320}));
}

TEST(repeat_shared, adds_up_the_gradients_of_its_passes) {
  using body = sequential<conv<3, 4>, prelu, conv<4, 3>>;
  check_layer(repeat_shared<1, body>{}, frames(2, 3));
  check_layer(repeat_shared<2, body>{}, frames(2, 3));
  check_layer(repeat_shared<3, body>{}, frames(2, 3));
  check_layer(repeat_shared<4, residual<norm<3>>>{}, frames(2, 3), 1e-5);
  EXPECT_EQ(names(repeat_shared<3, conv<3, 3>>{}), "weight bias ");
}

TEST(combinators, nest) {
  struct unit : sequential<norm<3>, branch_concat<conv<3, 4>, sequential<along<3>, prelu>>, conv<7, 3>> {};
  check_layer(repeat_shared<2, residual<branch_sum<unit, along<3>>>>{}, frames(2, 3), 1e-5);
}

template <class Backend>
class CombinatorsAgainstReference : public testing::Test {};
using backends = testing::Types<reference<float>, cpu>;
TYPED_TEST_SUITE(CombinatorsAgainstReference, backends);

TYPED_TEST(CombinatorsAgainstReference, agree) {
  struct unit : sequential<norm<3>, branch_concat<conv<3, 4>, sequential<along<3>, prelu>>, conv<7, 3>> {};
  for (dim_t batch : {1, 2})
    for (dim_t length : {1, 2, 65, 300}) {
      SCOPED_TRACE("batch " + std::to_string(batch) + " frames " + std::to_string(length));
      TypeParam backend;
      if constexpr (std::is_same_v<TypeParam, cpu>) backend.threads = 1;
      test::check_layer_against_reference(repeat_shared<2, residual<branch_sum<unit, along<3>>>>{}, frames(batch, length), 1e-4,
                                          backend);
    }
}

}  // namespace
}  // namespace avss
