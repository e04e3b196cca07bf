// The whole of RTFS-Net on the CPU backend against the definition in double.
#include <gtest/gtest.h>

#include <avss/cpu/rtfsnet.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <tests/support/run_rtfsnet.hpp>

namespace avss {
namespace {

constexpr rtfsnet_config official = presets::rtfsnet_tiny;

// The reference project's variant: LSTMs, attention over heads, dense convolutions.
constexpr rtfsnet_config other = [] {
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
  const std::vector<double> noise = test::draw("noise", net.extent().values);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] += static_cast<float>(0.05 * noise[i]);
  values.assign(v.begin(), v.end());
  states.assign(s.begin(), s.end());
}

template <rtfsnet_config S>
void expect_definition(const pass_rules& rules, double limit) {
  const RtfsNet<S> net;
  std::vector<double> values, states;
  draw_weights(net, values, states);
  test::rtfsnet_task task{1, 1000, 2, 9, pass::train, rules};
  const std::vector<double> x = test::draw("x", 1000), v = test::draw("v", 2 * 9 * S.video_channels),
                            dy = test::draw("dy", 2 * 1000);
  const auto run = [&](auto backend) {
    using T = typename decltype(backend)::value_type;
    std::vector<T> vals = as<T>(values), stat = as<T>(states);
    const auto give = [&](const auto&, const auto&, auto& d, auto&) { d = as<T>(dy); };
    auto r = test::run_rtfsnet<decltype(backend)>(
        net, vals, stat, as<T>(x), as<T>(v), task, give, [](auto&) {}, T(0));
    return std::pair(std::move(r), std::move(stat));
  };
  const auto [ours, our_states] = run(cpu(1));
  const auto [exact, exact_states] = run(reference<double>());
  test::expect_close(ours.y, exact.y, limit, "y");
  test::expect_close(ours.dx, exact.dx, limit, "dx");
  test::expect_close(ours.dv, exact.dv, limit, "dv");
  test::expect_close(our_states, exact_states, limit, "states");
  double top = 0;
  for (double g : exact.gradients) top = std::max(top, std::abs(g));
  for (const param_info& p : list_params(net)) {
    if (p.is_state) continue;
    const std::vector<float> g(ours.gradients.begin() + p.offset, ours.gradients.begin() + p.offset + p.size);
    const std::vector<double> e(exact.gradients.begin() + p.offset, exact.gradients.begin() + p.offset + p.size);
    test::expect_close(g, e, limit, p.name, top / 20);
  }
}

TEST(RtfsNetCpu, official) { expect_definition<official>({}, 1e-5); }
// Statistics of nine frames of video amplify rounding: the definition in float is 4e-5 away.
TEST(RtfsNetCpu, official_training) { expect_definition<official>({.batch_statistics = true}, 5e-5); }
TEST(RtfsNetCpu, official_recomputed) { expect_definition<official>({.recompute = true}, 1e-5); }
TEST(RtfsNetCpu, other) { expect_definition<other>({}, 1e-5); }

constexpr av_size three_of_two{3, 1000, 2, 9};

template <rtfsnet_config S>
av_engine<RtfsNet<S>, cpu> make_engine(int threads) {
  av_engine<RtfsNet<S>, cpu> e{cpu(threads)};
  std::vector<double> values, states;
  draw_weights(e.net(), values, states);
  std::copy(values.begin(), values.end(), e.values().begin());
  std::copy(states.begin(), states.end(), e.state().begin());
  return e;
}

// The voices, and behind them the gradients.
template <rtfsnet_config S>
std::vector<float> train_on(int threads) {
  auto e = make_engine<S>(threads);
  const std::vector<float> x = as<float>(test::draw("x", 3000)), v = as<float>(test::draw("v", 6 * 9 * S.video_channels)),
                           dy = as<float>(test::draw("dy", 6000));
  std::vector<float> y(6000);
  e.train_step(three_of_two, x, v, y, {.batch_statistics = true}, [&](auto&, auto, auto, auto d, auto) {
    std::copy(dy.begin(), dy.end(), d.data);
    return 0.0;
  });
  y.insert(y.end(), e.gradients().begin(), e.gradients().end());
  return y;
}

template <rtfsnet_config S>
void expect_same_bits_on_threads() {
  const std::vector<float> one = train_on<S>(1);
  for (int threads : {2, 3, 7}) EXPECT_EQ(train_on<S>(threads), one) << threads << " threads";
}
TEST(RtfsNetCpu, any_number_of_threads_gives_the_same_bits) { expect_same_bits_on_threads<official>(); }
TEST(RtfsNetCpu, any_number_of_threads_gives_the_same_bits_other) { expect_same_bits_on_threads<other>(); }

// Mixtures beside it, and faces of its own mixture.
template <rtfsnet_config S>
void expect_items_stand_alone() {
  auto e = make_engine<S>(2);
  const std::size_t seen = 9 * S.video_channels;
  const std::vector<float> x = as<float>(test::draw("x", 3000)), v = as<float>(test::draw("v", static_cast<dim_t>(6 * seen)));
  std::vector<float> together(6000), alone(1000);
  e.separate(three_of_two, x, v, together);
  for (std::size_t i = 0; i < 6; ++i) {
    e.separate({1, 1000, 1, 9}, std::span(x).subspan(i / 2 * 1000, 1000), std::span(v).subspan(i * seen, seen), alone);
    test::expect_close(alone, std::span<const float>(together).subspan(i * 1000, 1000), 1e-6, "voice " + std::to_string(i));
  }
}
TEST(RtfsNetCpu, an_item_does_not_depend_on_its_batch) { expect_items_stand_alone<official>(); }
TEST(RtfsNetCpu, an_item_does_not_depend_on_its_batch_other) { expect_items_stand_alone<other>(); }

}  // namespace
}  // namespace avss
