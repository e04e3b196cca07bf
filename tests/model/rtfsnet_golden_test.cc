// RTFS-Net, all switches, against an independent implementation (tests/golden/make_rtfsnet_golden.py).
#include <gtest/gtest.h>

#include <avss/layer/init.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <map>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/run_rtfsnet.hpp>

namespace avss {
namespace {

using test::expect_close;

// The paper's structure with three passes.
constexpr rtfsnet_config official = [] {
  rtfsnet_config c = presets::rtfsnet_tiny;
  c.passes = 3;
  return c;
}();

// The reference project's.
constexpr rtfsnet_config reference_like = [] {
  rtfsnet_config c = official;
  c.rnn = recurrence::lstm;
  c.attention = attention_axis::heads;
  c.encoder_act_norm = c.feed_forward_dense = c.feed_forward_bias = c.decoder_bias = true;
  c.video_kernel = 4;
  c.video_norm = block_norm::global;
  c.stored_positions = false;
  c.fusion_heads = 1;
  c.tail = tail_rule::silent;
  return c;
}();

template <class Change>
constexpr rtfsnet_config with(rtfsnet_config c, Change change) {
  change(c);
  return c;
}

using golden_map = std::map<std::string, test::golden_array>;

template <class Net>
void load(const Net& net, const golden_map& golden, std::vector<double>& values, std::vector<double>& states) {
  init_params(net, 1, std::span<double>(values), std::span<double>(states));  // the table of positions, scale_x, counters
  std::size_t found = 0, expected = 0;
  for (const auto& [key, a] : golden) expected += key.starts_with("param/") || key.starts_with("state/");
  for (const param_info& p : list_params(net)) {
    const auto at = golden.find((p.is_state ? "state/" : "param/") + p.name);
    if (p.is_state && at == golden.end()) continue;
    ASSERT_NE(at, golden.end()) << p.name;
    std::vector<dim_t> shape = at->second.shape;
    if (!p.is_state) shape.erase(shape.begin());  // value and gradient
    ASSERT_EQ(shape, p.shape) << p.name;
    std::copy_n(at->second.values.begin(), p.size, (p.is_state ? states : values).begin() + p.offset);
    ++found;
  }
  EXPECT_EQ(found, expected);
}

template <rtfsnet_config S>
void expect_golden(const std::string& name, dim_t faces = 1, pass_rules rules = {}) {
  SCOPED_TRACE(name);
  constexpr double limit = 1e-10, start = 0.5;
  const golden_map golden = test::read_golden("tests/golden/rtfsnet", name);
  const RtfsNet<S> net;
  std::vector<double> values(static_cast<std::size_t>(net.extent().values)),
      states(static_cast<std::size_t>(net.extent().state));
  load(net, golden, values, states);
  const auto &x = golden.at("x"), &v = golden.at("v");
  test::rtfsnet_task task{x.shape[0], x.shape[1], faces, v.shape[2], pass::train, rules};
  std::vector<double> before = states;
  const auto give = [&](const auto&, const auto&, auto& dy, auto& dspectrum) {
    dy = golden.at("dy").values;
    dspectrum = golden.at("dspectrum").values;
  };
  const auto r = test::run_rtfsnet<reference<double>>(
      net, values, states, x.values, v.values, task, give, [](auto&) {}, start);
  expect_close(r.y, golden.at("y").values, limit, "y");
  expect_close(r.dx, golden.at("dx").values, limit, "dx");
  expect_close(r.dv, golden.at("dv").values, limit, "dv");
  double top = 0;
  for (const param_info& p : list_params(net))
    if (!p.is_state)
      for (dim_t i = 0; i < p.size; ++i) top = std::max(top, std::abs(golden.at("param/" + p.name).values[p.size + i]));
  for (const param_info& p : list_params(net)) {
    if (p.is_state) {
      const std::vector<double> now(states.begin() + p.offset, states.begin() + p.offset + p.size);
      const bool counter = p.name.ends_with("num_batches_tracked");
      if (counter) {
        EXPECT_EQ(now[0], rules.batch_statistics) << p.name;
      } else if (golden.contains("after/" + p.name)) {
        expect_close(now, golden.at("after/" + p.name).values, limit, p.name);
      } else {
        EXPECT_TRUE(std::equal(now.begin(), now.end(), before.begin() + p.offset)) << p.name;
      }
      continue;
    }
    const std::vector<double>& both = golden.at("param/" + p.name).values;
    std::vector<double> gradient(r.gradients.begin() + p.offset, r.gradients.begin() + p.offset + p.size);
    for (double& g : gradient) g -= start;
    // Some gradients are zero in theory: the offset of keys, biases before a normalisation.
    expect_close(gradient, std::vector<double>(both.begin() + p.size, both.end()), limit, p.name, top * 1e-3);
  }

  task.mode = pass::infer;
  states = before;
  const auto inferred = test::run_rtfsnet<reference<double>>(net, values, states, x.values, v.values, task, give, [](auto&) {});
  EXPECT_EQ(inferred.y, r.y) << "training and inference differ";

  task.mode = pass::train;
  task.rules.recompute = true;
  states = before;
  const auto again = test::run_rtfsnet<reference<double>>(
      net, values, states, x.values, v.values, task, give, [](auto&) {}, start);
  EXPECT_EQ(again.gradients, r.gradients) << "passes made anew differ";
  EXPECT_EQ(again.dx, r.dx);
  if (S.passes > 1) {
    EXPECT_LT(again.peak, r.peak);
  }
}

TEST(RtfsNetGolden, official) { expect_golden<official>("official"); }

TEST(RtfsNetGolden, official_2023_training) {
  expect_golden<with(official, [](auto& c) { c.projection_norm = false, c.passes = 2, c.tail = tail_rule::exact; })>(
      "official_2023_training", 2, pass_rules{.batch_statistics = true});
}

TEST(RtfsNetGolden, reference) { expect_golden<reference_like>("reference"); }

TEST(RtfsNetGolden, mixed) {
  expect_golden<with(reference_like, [](auto& c) {
    c.attention = attention_axis::time, c.levels = 3, c.kernel = 3, c.rnn_layers = 1, c.video_norm = block_norm::batch;
    c.feed_forward_bias = false, c.passes = 1;
  })>("mixed");
}

}  // namespace
}  // namespace avss
