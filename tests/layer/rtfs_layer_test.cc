// The layers of RTFS-Net: gradients, memory, names. Values: tests/model/rtfsnet_golden_test.cc.
#include <gtest/gtest.h>

#include <avss/core/concepts.hpp>
#include <avss/layer/rtfs_block.hpp>
#include <avss/layer/rtfs_global.hpp>
#include <avss/op/copy.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <string>
#include <tests/support/layer_run.hpp>

namespace avss {
namespace {

using test::check_layer;

// A layer whose backward turns dL/dy into dL/dx in one place, as tests/support/layer_run.hpp runs layers.
template <class Layer>
struct in_place {
  Layer layer;

  template <class X>
  using fit = fits;
  template <class X>
  using out_shape = X;
  template <class X>
  static constexpr X out(X x) {
    return x;
  }
  template <class X, class T>
  struct saved {
    typename Layer::template saved<T> s;
  };
  template <class C, class X, class T>
  void forward(C& ctx, view<X, T> x, view<X, T> y, saved<X, T>& s) const {
    if constexpr (requires { layer.gateway; })
      layer.forward(ctx, x, nullptr, 1, y, pass_rules{}, s.s);
    else
      layer.forward(ctx, x, y, pass_rules{}, s.s);
  }
  template <class C, class X, class T>
  void backward(C& ctx, view<X, const T> dy, view<X, T> dx, const saved<X, T>& s) const {
    const dim_t n = dx.size();
    ctx.run(op::copy<T>{1, n, n, n, dy.data, dx.data, false});
    if constexpr (requires { layer.gateway; })
      layer.backward(ctx, dx, nullptr, false, s.s);
    else
      layer.backward(ctx, dx, s.s);
  }
  template <class V>
  void visit(V&& v) {
    v("", layer);
  }
};

template <class Layer>
void check(dim_t batch, dim_t frames, dim_t bins) {
  check_layer(in_place<Layer>{}, typename Layer::map(batch, frames, bins), 2e-5);
}

template <class Layer>
std::string names() {
  std::string all;
  for (const param_info& p : list_params(Layer{})) {
    all += p.name + "[";
    for (dim_t n : p.shape) all += std::to_string(n) + " ";
    if (!p.shape.empty()) all.pop_back();
    all += "]";
  }
  return all;
}

TEST(dual_path, gradients) {
  for (dim_t frames : {3, 5}) {
    check<dual_path<dual_path_spec{recurrence::sru, 4, 3, 2, 2, false}>>(2, frames, 2);
    check<dual_path<dual_path_spec{recurrence::lstm, 3, 3, 2, 2, false}>>(2, frames, 2);
  }
  check<dual_path<dual_path_spec{recurrence::sru, 2, 2, 3, 3, true}>>(1, 2, 4);
  check<dual_path<dual_path_spec{recurrence::lstm, 2, 1, 1, 1, true}>>(1, 2, 4);
  check<dual_path<dual_path_spec{recurrence::sru, 4, 1, 2, 1, true}>>(2, 1, 3);  // its own highway in the first layer
}

TEST(tf_attention, gradients) {
  check<tf_attention<tf_attention_spec{4, 3, 2, 2, attention_axis::time}>>(2, 3, 3);
  check<tf_attention<tf_attention_spec{4, 3, 2, 1, attention_axis::heads}>>(2, 3, 3);
  check<tf_attention<tf_attention_spec{3, 2, 1, 2, attention_axis::time}>>(1, 1, 2);
}

TEST(video_attention, gradients) {
  check<video_self_attention<video_attention_spec{4, 2, false, false, false}>>(2, 3, 1);
  check<video_feed_forward<video_attention_spec{2, 1, false, false, false}>>(2, 3, 1);
  check<video_feed_forward<video_attention_spec{2, 1, false, true, true}>>(2, 3, 1);
}

template <int Axes>
using small_block = rtfs_block<rtfs_block_spec{3, 4, Axes == 2 ? 4 : 3, 2, Axes, block_norm::global, true},
                               video_global<video_attention_spec{4, 2, false, false, false}>>;

TEST(rtfs_block, gradients) { check<small_block<1>>(2, 5, 1); }

TEST(layers, have_the_names_of_a_state_dict) {
  EXPECT_EQ((names<dual_path<dual_path_spec{recurrence::sru, 4, 3, 2, 2, true}>>()),
            "norm.gamma[1 4 1 1]norm.beta[1 4 1 1]rnn.rnn_lst.0.weight[12 16]rnn.rnn_lst.0.weight_c[8]rnn.rnn_lst.0.bias[8]"
            "rnn.rnn_lst.0.scale_x[1]rnn.rnn_lst.1.weight[4 12]rnn.rnn_lst.1.weight_c[8]rnn.rnn_lst.1.bias[8]"
            "rnn.rnn_lst.1.scale_x[1]linear.weight[4 4 3]linear.bias[4]");
  EXPECT_EQ((names<dual_path<dual_path_spec{recurrence::lstm, 4, 3, 2, 2, true}>>()),
            "norm.gamma[1 4 1 1]norm.beta[1 4 1 1]rnn.weight_ih_l0[8 12]rnn.weight_hh_l0[8 2]rnn.bias_ih_l0[8]"
            "rnn.bias_hh_l0[8]rnn.weight_ih_l0_reverse[8 12]rnn.weight_hh_l0_reverse[8 2]rnn.bias_ih_l0_reverse[8]"
            "rnn.bias_hh_l0_reverse[8]rnn.weight_ih_l1[8 4]rnn.weight_hh_l1[8 2]rnn.bias_ih_l1[8]rnn.bias_hh_l1[8]"
            "rnn.weight_ih_l1_reverse[8 4]rnn.weight_hh_l1_reverse[8 2]rnn.bias_ih_l1_reverse[8]rnn.bias_hh_l1_reverse[8]"
            "linear.weight[4 4 3]linear.bias[4]");
}

}  // namespace
}  // namespace avss
