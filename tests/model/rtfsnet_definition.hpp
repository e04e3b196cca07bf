// The whole of RTFS-Net on a backend in float against the definition in double.
#pragma once

#include <gtest/gtest.h>

#include <avss/layer/init.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <span>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <tests/support/run_rtfsnet.hpp>
#include <utility>
#include <vector>

namespace avss::test {

inline constexpr rtfsnet_config official = presets::rtfsnet_tiny;

// The reference project's variant: LSTMs, attention over heads, dense convolutions.
inline constexpr rtfsnet_config other = [] {
  rtfsnet_config c = presets::rtfsnet_tiny;
  c.passes = 2;
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

template <class T>
std::vector<T> as(const std::vector<double>& v) {
  return std::vector<T>(v.begin(), v.end());
}

// Initial weights, moved a little, so that nothing is exactly zero or one; rounded to float.
template <class Net>
void draw_weights(const Net& net, std::vector<double>& values, std::vector<double>& states) {
  std::vector<float> v(static_cast<std::size_t>(net.extent().values)), s(static_cast<std::size_t>(net.extent().state));
  init_params(net, 5, std::span<float>(v), std::span<float>(s));
  const std::vector<double> noise = draw("noise", net.extent().values);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] += static_cast<float>(0.05 * noise[i]);
  values.assign(v.begin(), v.end());
  states.assign(s.begin(), s.end());
}

template <rtfsnet_config S, class Backend>
void expect_definition(Backend ours_on, const pass_rules& rules, double limit) {
  const RtfsNet<S> net;
  std::vector<double> values, states;
  draw_weights(net, values, states);
  rtfsnet_task task{1, 1000, 2, 9, pass::train, rules};
  const std::vector<double> x = draw("x", 1000), v = draw("v", 2 * 9 * S.video_channels), dy = draw("dy", 2 * 1000);
  const auto run = [&](auto backend) {
    using T = typename decltype(backend)::value_type;
    std::vector<T> vals = as<T>(values), stat = as<T>(states);
    const auto give = [&](const auto&, const auto&, auto& d, auto&) { d = as<T>(dy); };
    auto r = run_rtfsnet<decltype(backend)>(
        net, vals, stat, as<T>(x), as<T>(v), task, give, [](auto&) {}, T(0), backend);
    return std::pair(std::move(r), std::move(stat));
  };
  const auto [ours, our_states] = run(ours_on);
  const auto [exact, exact_states] = run(reference<double>());
  expect_close(ours.y, exact.y, limit, "y");
  expect_close(ours.dx, exact.dx, limit, "dx");
  expect_close(ours.dv, exact.dv, limit, "dv");
  expect_close(our_states, exact_states, limit, "states");
  double top = 0;
  for (double g : exact.gradients) top = std::max(top, std::abs(g));
  for (const param_info& p : list_params(net)) {
    if (p.is_state) continue;
    const std::vector<float> g(ours.gradients.begin() + p.offset, ours.gradients.begin() + p.offset + p.size);
    const std::vector<double> e(exact.gradients.begin() + p.offset, exact.gradients.begin() + p.offset + p.size);
    expect_close(g, e, limit, p.name, top / 20);
  }
}

}  // namespace avss::test
