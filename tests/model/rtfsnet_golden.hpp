// RTFS-Net's variants, and what an independent implementation makes of them (tests/golden/make_rtfsnet_golden.py).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <avss/core/placement.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <map>
#include <span>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/host_copy.hpp>
#include <utility>
#include <vector>

namespace avss::test {

template <class Change>
constexpr rtfsnet_config with(rtfsnet_config c, Change change) {
  change(c);
  return c;
}

// The paper's structure with three passes, and what the authors' older weights have instead.
inline constexpr rtfsnet_config golden_official = with(presets::rtfsnet_tiny, [](auto& c) { c.passes = 3; });
inline constexpr rtfsnet_config golden_official_2023 =
    with(golden_official, [](auto& c) { c.projection_norm = false, c.passes = 2, c.tail = tail_rule::exact; });

// The reference project's, and a mixture of both.
inline constexpr rtfsnet_config golden_reference = with(golden_official, [](auto& c) {
  c.rnn = recurrence::lstm;
  c.attention = attention_axis::heads;
  c.encoder_act_norm = c.feed_forward_dense = c.feed_forward_bias = c.decoder_bias = true;
  c.video_kernel = 4;
  c.video_norm = block_norm::global;
  c.stored_positions = false;
  c.fusion_heads = 1;
  c.tail = tail_rule::silent;
});
inline constexpr rtfsnet_config golden_mixed = with(golden_reference, [](auto& c) {
  c.attention = attention_axis::time, c.levels = 3, c.kernel = 3, c.rnn_layers = 1, c.video_norm = block_norm::batch;
  c.feed_forward_bias = false, c.passes = 1;
});

// Values and states, as the file has them; what it has not is initial.
template <class Net, class T>
void load_rtfsnet_golden(const Net& net, const std::map<std::string, golden_array>& golden, std::span<T> values,
                         std::span<T> states) {
  init_params(net, 1, values, states);  // the table of positions, scale_x, counters
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

// The file's gradient of a parameter.
inline std::vector<double> golden_gradient(const std::map<std::string, golden_array>& golden, const param_info& p) {
  const std::vector<double>& both = golden.at("param/" + p.name).values;
  return {both.begin() + p.size, both.end()};
}

template <class Net>
double largest_gradient(const Net& net, const std::map<std::string, golden_array>& golden) {
  double top = 0;
  for (const param_info& p : list_params(net))
    if (!p.is_state) top = std::max(top, largest(golden_gradient(golden, p)));
  return top;
}

// From host memory to host memory on B, several times, as a device runs, captures and replays it.
template <class B, rtfsnet_config S>
void expect_golden_engine(const std::string& name, dim_t faces = 1, const pass_rules& rules = {}) {
  SCOPED_TRACE(name);
  // Gradients: the file's are those of weights that were not rounded to float; CPU and emulator are within 3.4e-5 of them.
  constexpr double limit = 1e-5, gradient_limit = 5e-5;
  const auto golden = read_golden("tests/golden/rtfsnet", name);
  const auto &x = golden.at("x"), &v = golden.at("v"), &y = golden.at("y");
  const av_size n{x.shape[0], x.shape[1], faces, v.shape[2]};
  using T = typename B::value_type;
  av_engine<RtfsNet<S>, B> e;
  const double top = largest_gradient(e.net(), golden);
  const auto give = [&](std::span<T> there, const golden_array& a) {
    edit(e.backend(), there, [&](std::span<T> to) { std::copy(a.values.begin(), a.values.end(), to.begin()); });
  };
  for (int time = 0; time < 3; ++time) {
    SCOPED_TRACE(time);
    edit(e.backend(), e.values(), [&](std::span<T> values) {
      edit(e.backend(), e.state(), [&](std::span<T> states) { load_rtfsnet_golden(e.net(), golden, values, states); });
    });
    placement<B>::zero(e.backend(), e.gradients());
    std::vector<T> voices(y.values.size()), dv(v.values.size());
    e.train_step(
        n, x.template as<T>(), v.template as<T>(), voices, rules,
        [&](auto&, auto, auto, auto d_voices, auto d_spectrum) {
          give({d_voices.data, voices.size()}, golden.at("dy"));
          give({d_spectrum.data, static_cast<std::size_t>(d_spectrum.size())}, golden.at("dspectrum"));
          return 0;
        },
        dv);
    expect_close(voices, y.values, limit, "y");
    expect_close(dv, golden.at("dv").values, limit, "dv");
    const std::vector<T> gradients = host_copy(e, e.gradients()), states = host_copy(e, e.state());
    for (const param_info& p : list_params(e.net())) {
      const auto of = [&](const std::vector<T>& all) { return std::span<const T>(all).subspan(p.offset, p.size); };
      if (!p.is_state) {
        expect_close(of(gradients), golden_gradient(golden, p), gradient_limit, p.name, top / 20);
      } else if (p.name.ends_with("num_batches_tracked")) {
        EXPECT_EQ(of(states)[0], rules.batch_statistics) << p.name;
      } else if (golden.contains("after/" + p.name)) {
        expect_close(of(states), golden.at("after/" + p.name).values, limit, p.name);
      }
    }
  }
  if (rules.batch_statistics) return;
  std::vector<T> voices(y.values.size());
  for (int time = 0; time < 3; ++time) {
    e.separate(n, x.template as<T>(), v.template as<T>(), voices);
    expect_close(voices, y.values, limit, "y of inference");
  }
}

template <class B>
void expect_golden_engines() {
  expect_golden_engine<B, golden_official>("official");
  expect_golden_engine<B, golden_official_2023>("official_2023_training", 2, {.batch_statistics = true});
  expect_golden_engine<B, golden_reference>("reference");
  expect_golden_engine<B, golden_mixed>("mixed");
}

}  // namespace avss::test
