// The layers of RTFS-Net: gradients, memory, names. Values: tests/model/rtfsnet_golden_test.cc.
#include <gtest/gtest.h>

#include <avss/core/concepts.hpp>
#include <avss/core/context.hpp>
#include <avss/core/random.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/layer/rtfs_block.hpp>
#include <avss/layer/rtfs_global.hpp>
#include <avss/op/copy.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <cmath>
#include <map>
#include <string>
#include <tests/support/draw.hpp>
#include <tests/support/layer_run.hpp>
#include <vector>

namespace avss {
namespace {

using test::check_layer;

// A layer whose backward turns dL/dy into dL/dx in one place, as tests/support/layer_run.hpp runs layers.
template <class Layer>
struct in_place {
  Layer layer;
  pass_rules rules{};

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
      layer.forward(ctx, x, nullptr, 1, y, rules, s.s);
    else
      layer.forward(ctx, x, y, rules, s.s);
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
void check(dim_t batch, dim_t frames, dim_t bins, const pass_rules& rules = {}) {
  check_layer(in_place<Layer>{{}, rules}, typename Layer::map(batch, frames, bins), 2e-5);
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

constexpr video_attention_spec of_four{4, 2, false, false, true};
constexpr double rate = 0.1, kept = 1 / (1 - rate);  // the paper's

pass_rules drawn(int n) { return {.dropout = random_stream(9, "step", n)}; }

// What dropout multiplied each value with, in one pass.
struct factors {
  std::vector<double> weights;        // sums over the keys of a query
  std::vector<double> values, inner;  // single values of attention's result; whole items inside the feed-forward network
  std::vector<double> attention_path, feed_forward_path;  // whole items
};

// Runs a layer forward in training, with parameters drawn but for those that `fixed` names, and shows what was kept.
template <class Layer, class Look>
void look_into(const typename Layer::map& n, const pass_rules& rules, const std::map<std::string, double>& fixed, Look&& look) {
  Layer layer;
  std::vector<double> values = test::draw("values", assign_offsets(layer).values), x = test::draw("x", n.size()), y(x.size());
  std::size_t found = 0;
  for (const param_info& p : list_params(layer))
    if (const auto f = fixed.find(p.name); f != fixed.end()) {
      std::fill_n(values.begin() + p.offset, p.size, f->second);
      ++found;
    }
  ASSERT_EQ(found, fixed.size());
  arena memory(1 << 20);
  std::vector<double> gradients(values.size());
  context<reference<double>> ctx({}, memory, pass::train, values, gradients);
  typename Layer::template saved<double> s;
  layer.forward(ctx, view<typename Layer::map, double>{x.data(), n}, view<typename Layer::map, double>{y.data(), n}, rules, s);
  std::vector<double> added;  // to each item: root mean square
  const std::size_t item = x.size() / static_cast<std::size_t>(n[0]);
  for (std::size_t b = 0; b < x.size(); b += item) {
    double square = 0;
    for (std::size_t i = b; i < b + item; ++i) square += (y[i] - x[i]) * (y[i] - x[i]);
    added.push_back(std::sqrt(square / static_cast<double>(item)));
  }
  look(s, added);
}

// Drops depend on rules and sizes alone, so parameters are chosen that show them: equal attention to values of 1, an output of
// 1, norms that leave a root mean square of 1.
factors dropped(dim_t batch, dim_t frames, const pass_rules& rules) {
  using attention = video_self_attention<of_four>;
  using feed_forward = video_feed_forward<of_four>;
  factors f;
  const std::size_t rows = static_cast<std::size_t>(frames * batch);
  look_into<attention>(attention::map(batch, frames, 1), rules,
                       {{"attention.in_proj_weight", 0},
                        {"attention.in_proj_bias", 1},
                        {"attention.out_proj.weight", 0},
                        {"attention.out_proj.bias", 1},
                        {"norm2.weight", 1},
                        {"norm2.bias", 0}},
                       [&](const auto& s, const std::vector<double>& added) {
                         for (std::size_t i = 0; i < rows; ++i)
                           for (const std::size_t head : {0u, 1u})
                             f.weights.push_back(s.attended[4 * i + 2 * head] * static_cast<double>(frames));
                         for (std::size_t i = 0; i < 4 * rows; ++i) f.values.push_back(s.summed[i] - s.sequence[i]);
                         f.attention_path = added;
                       });
  look_into<feed_forward>(feed_forward::map(batch, frames, 1), rules,
                          {{"refiner.full_layer.2.weight", 0},
                           {"refiner.full_layer.2.bias", 1},
                           {"decoder.full_layer.3.norm.weight", 1},
                           {"decoder.full_layer.3.norm.bias", 0}},
                          [&](const auto& s, const std::vector<double>& added) {
                            const std::size_t item = 8 * static_cast<std::size_t>(frames);
                            for (std::size_t i = 0; i < added.size(); ++i) {
                              for (std::size_t j = 1; j < item; ++j) ASSERT_EQ(s.v[item * i + j], s.v[item * i]);
                              f.inner.push_back(s.v[item * i]);
                            }
                            f.feed_forward_path = added;
                          });
  return f;
}

// How often one kind of drop happened in many passes.
struct tally {
  double drops = 0, all = 0, mixed = 0;

  // `size` factors make up each value of v: 0 or 1 / (1 - rate), to `limit`.
  void add(const std::vector<double>& v, int size = 1, double limit = 1e-12) {
    const double before = drops;
    for (double x : v) {
      const double n = std::round(x / kept);
      ASSERT_NEAR(x, n * kept, limit);
      ASSERT_LE(n, size);
      drops += size - n, all += size;
    }
    const double now = drops - before;
    if (now > 0 && now < size * static_cast<double>(v.size())) ++mixed;
  }
  // Within five standard deviations, which makes the mean of the factors 1 to as much.
  void expect_rate(const char* what) const {
    EXPECT_NEAR(drops / all, rate, 5 * std::sqrt(rate * (1 - rate) / all)) << what << ", of " << all;
    EXPECT_GT(mixed, 0) << what << ": all of a batch or nothing";
  }
};

struct tallies {
  tally weights, values, inner, attention_path, feed_forward_path;

  void add(const factors& f, int frames) {
    weights.add(f.weights, frames), values.add(f.values), inner.add(f.inner);
    attention_path.add(f.attention_path, 1, 1e-3), feed_forward_path.add(f.feed_forward_path, 1, 1e-3);  // less the norm's eps
  }
};

TEST(video_attention, drops_at_the_rate_it_says) {
  const int draws = 400, batch = 5, frames = 6;
  tallies t;
  for (int i = 0; i < draws; ++i) t.add(dropped(batch, frames, drawn(i)), frames);
  t.weights.expect_rate("attention weights");
  t.values.expect_rate("values");
  t.inner.expect_rate("items inside the feed-forward network");
  t.attention_path.expect_rate("items of attention");
  t.feed_forward_path.expect_rate("items of the feed-forward network");
  EXPECT_EQ(t.weights.all, draws * batch * of_four.heads * frames * frames);
  EXPECT_EQ(t.values.all, draws * batch * of_four.channels * frames);
  // Items are dropped one by one.
  const double some = 1 - std::pow(1 - rate, batch) - std::pow(rate, batch), spread = 5 * std::sqrt(some * (1 - some) / draws);
  for (const tally* items : {&t.inner, &t.attention_path, &t.feed_forward_path})
    EXPECT_NEAR(items->mixed / draws, some, spread);
}

// Every kind of drop happens in one of the passes that are checked, and that of an item beside others that are kept.
TEST(video_attention, gradients_with_dropout) {
  const int batch = 4, frames = 5;
  tallies t;
  for (int i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    t.add(dropped(batch, frames, drawn(i)), frames);
    check<video_self_attention<of_four>>(batch, frames, 1, drawn(i));
    check<video_feed_forward<of_four>>(batch, frames, 1, drawn(i));
  }
  for (const tally* kind : {&t.weights, &t.values, &t.inner, &t.attention_path, &t.feed_forward_path})
    EXPECT_GT(kind->mixed, 0);
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
