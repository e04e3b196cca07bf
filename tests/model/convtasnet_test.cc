// Conv-TasNet's parameters, framing and working memory.
#include <gtest/gtest.h>

#include <avss/model/convtasnet.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <cstdint>
#include <string>
#include <tests/support/draw.hpp>
#include <tests/support/run_network.hpp>
#include <thread>

namespace avss {
namespace {

constexpr convtasnet_config torchaudio{.padding = edge_padding::both_ends};
constexpr convtasnet_config asteroid{.last = last_residual::unused};
constexpr convtasnet_config end_to_window{.sample_rate = 16000,
                                          .window = 32,
                                          .stride = 16,
                                          .padding = edge_padding::end_to_window,
                                          .encoder_bias = true,
                                          .decoder_bias = true,
                                          .first_eps = 1e-5,
                                          .eps = 1e-5,
                                          .last = last_residual::unused};

struct listing {
  std::size_t tensors;
  dim_t values;
  std::uint64_t hash;  // FNV-1a of the lines "name [extents]\n"
  friend bool operator==(const listing&, const listing&) = default;
};

std::ostream& operator<<(std::ostream& out, const listing& l) {
  return out << l.tensors << " tensors, " << l.values << " values, hash " << std::hex << l.hash << std::dec;
}

template <class Net>
listing list(const Net& net) {
  listing l{0, count_params(net), 14695981039346656037u};
  for (const param_info& p : list_params(net)) {
    std::string line = p.name + " [";
    for (std::size_t i = 0; i < p.shape.size(); ++i) line += (i ? ", " : "") + std::to_string(p.shape[i]);
    for (char c : line + "]\n") l.hash = (l.hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    ++l.tensors;
  }
  return l;
}

// From the state_dicts that torchaudio 0.13.1, asteroid (2025-07) and the audio-only network of the RTFS-Net reference
// implementation write, in their order, the latter two with torchaudio's names.
TEST(ConvTasNet, has_the_published_parameters) {
  EXPECT_EQ(list(ConvTasNet<torchaudio>()), (listing{343, 4984881, 0xc7d4521778432430}));
  EXPECT_EQ(list(ConvTasNet<asteroid>()), (listing{345, 5050545, 0xbb1d3675b496719a}));
  EXPECT_EQ(list(ConvTasNet<end_to_window>()), (listing{347, 5067442, 0xf710ae8cc25a607f}));
}

TEST(ConvTasNet, freezes_what_gets_no_gradient) {
  std::string frozen;
  for (const param_info& p : list_params(ConvTasNet<asteroid>()))
    if (!p.trained) frozen += p.name + " ";
  EXPECT_EQ(frozen, "mask_generator.conv_layers.23.res_out.weight mask_generator.conv_layers.23.res_out.bias ");
}

TEST(ConvTasNet, sees_a_second_and_a_half) {
  // 1531 frames, 8 samples apart
  EXPECT_EQ(ConvTasNet<torchaudio>::receptive_field(), 1530 * 8 + 16);
}

template <convtasnet_config S>
void expect_covered() {
  using net = ConvTasNet<S>;
  for (dim_t length = 1; length < 100; ++length) {
    const auto [frames, left] = net::frame(length);
    ASSERT_GE(frames, 1);
    const dim_t begin = -left, end = (frames - 1) * S.stride + S.window - left;
    EXPECT_LE(begin, 0);
    if (S.padding == edge_padding::none)
      EXPECT_LT(length - end, S.stride) << length;
    else
      EXPECT_GE(end, length) << length;
  }
}

TEST(ConvTasNet, frames_cover_the_mixture) {
  expect_covered<torchaudio>();
  expect_covered<asteroid>();
  expect_covered<end_to_window>();
  expect_covered<convtasnet_config{.window = 5, .stride = 2, .padding = edge_padding::both_ends}>();
  expect_covered<convtasnet_config{.padding = edge_padding::authors}>();
  EXPECT_EQ(ConvTasNet<torchaudio>::frame(32000).frames, 4001);
  EXPECT_EQ(ConvTasNet<torchaudio>::frame(32001).frames, 4002);
  EXPECT_EQ(ConvTasNet<asteroid>::frame(32000).frames, 3999);
  EXPECT_EQ(ConvTasNet<end_to_window>::frame(32000).frames, 1999);
}

using backend = reference<float>;

constexpr convtasnet_config small(convtasnet_config c) {
  c.filters = 12, c.bottleneck = 6, c.skip = c.skip ? 5 : 0, c.hidden = 10, c.blocks = 2, c.repeats = 2;
  return c;
}

template <class Net>
std::vector<float> values_of(const Net& net) {
  const std::vector<double> v = test::draw("values", net.extent().values);
  return {v.begin(), v.end()};
}

std::vector<float> drawn(const char* name, dim_t n) {
  const std::vector<double> v = test::draw(name, n);
  return {v.begin(), v.end()};
}

template <convtasnet_config S>
void expect_planned() {
  const ConvTasNet<S> net;
  std::vector<float> values = values_of(net);
  for (dim_t batch : {1, 3})
    for (dim_t length : {1, 17, 333}) {
      const auto x = drawn("x", batch * length);
      // run_network allocates what was planned; one byte less would throw, one more would show here.
      const auto trained = test::run_network<backend>(net, values, x, batch, drawn("dy", 2 * batch * length));
      EXPECT_EQ(trained.peak, test::planned_bytes<backend>(net, batch, length, pass::train));
      const auto inferred = test::run_network<backend>(net, values, x, batch);
      EXPECT_EQ(inferred.peak, test::planned_bytes<backend>(net, batch, length, pass::infer));
      EXPECT_LE(inferred.peak, trained.peak);
      EXPECT_EQ(inferred.y, trained.y);
    }
}

TEST(ConvTasNet, uses_the_memory_that_was_planned) {
  expect_planned<small(torchaudio)>();
  expect_planned<small(asteroid)>();
  expect_planned<small(end_to_window)>();
  expect_planned<small({.skip = 0, .last = last_residual::used})>();
}

// 4 s of 8 kHz, figures in MiB: 1152 channels a block are kept for backward; inference works in one block's arrays.
TEST(ConvTasNet, plans_of_the_full_network) {
  const ConvTasNet<torchaudio> net;
  const auto mib = [&](pass mode) { return test::planned_bytes<backend>(net, 1, 32000, mode) >> 20; };
  EXPECT_EQ(mib(pass::train), 451u);
  EXPECT_EQ(mib(pass::infer), 19u);
}

TEST(ConvTasNet, can_run_again_in_the_same_memory) {
  const ConvTasNet<small(torchaudio)> net;
  std::vector<float> values = values_of(net);
  const auto x = drawn("x", 100);
  std::vector<float> in = x, y(200), again(200);
  arena memory(test::planned_bytes<backend>(net, 1, 100, pass::infer));
  context<backend> ctx({}, memory, pass::infer, values);
  for (std::vector<float>* out : {&y, &again}) {  // without reset: inference leaves nothing behind
    decltype(net)::saved<float> s;
    net.forward(ctx, view<shape<dyn, dyn>, float>{in.data(), shape<dyn, dyn>(1, 100)},
                view<shape<dyn, 2, dyn>, float>{out->data(), shape<dyn, 2, dyn>(1, 100)}, s);
  }
  EXPECT_EQ(y, again);
}

TEST(ConvTasNet, serves_two_threads) {
  const ConvTasNet<small(torchaudio)> net;
  std::vector<float> values = values_of(net);
  const auto x = drawn("x", 500), other = drawn("other", 500);
  const auto alone = test::run_network<backend>(net, values, x, 1).y;
  std::vector<float> a, b;
  std::thread first([&] { a = test::run_network<backend>(net, values, x, 1).y; });
  std::thread second([&] { b = test::run_network<backend>(net, values, other, 1).y; });
  first.join();
  second.join();
  EXPECT_EQ(a, alone);
  EXPECT_NE(b, alone);
}

TEST(ConvTasNet, an_item_does_not_depend_on_its_batch) {
  const ConvTasNet<small(torchaudio)> net;
  std::vector<float> values = values_of(net);
  const auto x = drawn("x", 300), one = std::vector<float>(x.begin() + 100, x.begin() + 200);
  const auto all = test::run_network<backend>(net, values, x, 3).y, alone = test::run_network<backend>(net, values, one, 1).y;
  EXPECT_EQ(std::vector<float>(all.begin() + 200, all.begin() + 400), alone);
}

}  // namespace
}  // namespace avss
