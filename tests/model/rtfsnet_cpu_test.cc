// The whole of RTFS-Net on the CPU backend against the definition in double.
#include <gtest/gtest.h>

#include <avss/cpu/rtfsnet.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <string>
#include <tests/model/rtfsnet_definition.hpp>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>

namespace avss {
namespace {

using test::as;
using test::draw_weights;
using test::expect_definition;
using test::official;
using test::other;

TEST(RtfsNetCpu, official) { expect_definition<official>(cpu(1), {}, 1e-5); }
// Statistics of nine frames of video amplify rounding: the definition in float is 4e-5 away.
TEST(RtfsNetCpu, official_training) { expect_definition<official>(cpu(1), {.batch_statistics = true}, 5e-5); }
TEST(RtfsNetCpu, official_recomputed) { expect_definition<official>(cpu(1), {.recompute = true}, 1e-5); }
TEST(RtfsNetCpu, other) { expect_definition<other>(cpu(1), {}, 1e-5); }

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
