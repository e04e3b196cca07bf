// The lip-reading encoder against an independent implementation (tests/golden/make_lip_encoder_golden.py), the CPU against the
// reference, pieces against the whole.
#include <gtest/gtest.h>

#include <avss/cpu/lipreading.hpp>
#include <avss/cuda/lipreading.cuh>
#include <avss/layer/init.hpp>
#include <avss/model/lip_encoder.hpp>
#include <avss/model/lip_engine.hpp>
#include <avss/reference/lipreading.hpp>
#include <string>
#include <tests/model/lip_golden.hpp>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace avss {
namespace {

using test::embed_clip;
using test::expect_all_golden_features;

TEST(LipEncoder, golden_reference) { expect_all_golden_features<reference<double>>(); }
TEST(LipEncoder, golden_cpu) { expect_all_golden_features<cpu>(); }
// The device's kernels, on the emulator.
TEST(LipEncoder, golden_cuda) { expect_all_golden_features<emulated_cuda>(); }

// Values, and running statistics that are not those of a new network.
template <class Engine>
void fill(Engine& e) {
  using T = typename Engine::T;
  init_params(e.net(), 5, e.values(), e.state());
  for (const param_info& p : list_params(e.net()))
    if (p.name.ends_with("running_mean") || p.name.ends_with("running_var")) {
      const std::vector<double> v = test::draw(p.name, p.size);
      for (dim_t i = 0; i < p.size; ++i)
        e.state()[p.offset + i] = static_cast<T>(p.name.ends_with("mean") ? v[i] / 4 : 1 + v[i] / 2);
    }
}

constexpr dim_t side = 30, plane = side * side;

template <class B, lip_encoder_config S>
lip_engine<LipEncoder<S>, B> ready(bool batch, B backend = {}) {
  lip_engine<LipEncoder<S>, B> e(backend);
  fill(e);
  e.prepare(side, side, batch);
  return e;
}

// 8 to 64 channels: whole vectors and parts of one.
constexpr lip_encoder_config medium{.activation = image_curve::swish, .width = 8};
// Whole vectors throughout: Winograd's products in the first two stages.
constexpr lip_encoder_config wide{.activation = image_curve::swish, .width = 16};

TEST(LipEncoder, cpu_is_the_reference) {
  const std::vector<double> x = test::draw("clip", 19 * plane);
  for (bool batch : {false, true}) {
    SCOPED_TRACE(batch);
    const auto y = embed_clip(ready<reference<float>, medium>(batch), x, plane);
    EXPECT_GT(test::largest(y), 0.05);
    test::expect_close(embed_clip(ready<cpu, medium>(batch), x, plane), y, 2e-5, "cpu");
  }
}

constexpr lip_encoder_config small{.activation = image_curve::prelu, .width = 4};

template <class E>
std::vector<float> embed_with(const E& e, typename E::workspace& w, const std::vector<float>& x) {
  std::vector<float> y(x.size() / e.frame_size() * static_cast<std::size_t>(E::features));
  e.embed(w, x, y);
  return y;
}

// From host memory to host memory, by one workspace: clips longer than a piece, shorter, of another size; each done, captured
// as a graph, and replayed.
TEST(LipEncoder, embeds_on_a_device_what_the_reference_does) {
  for (bool batch : {false, true}) {
    SCOPED_TRACE(batch);
    auto there = ready<emulated_cuda, small>(batch);
    auto here = ready<reference<float>, small>(batch);
    lip_engine<LipEncoder<small>, emulated_cuda>::workspace w;
    lip_engine<LipEncoder<small>, reference<float>>::workspace v;
    for (const dim_t edge : {side, side - 8, side}) {
      there.prepare(edge, edge, batch);
      here.prepare(edge, edge, batch);
      for (const dim_t frames : {19, 5, 19, 5, 19, 5}) {
        const std::vector<double> drawn = test::draw("clip", frames * edge * edge);
        const std::vector<float> x(drawn.begin(), drawn.end());
        test::expect_close(embed_with(there, w, x), embed_with(here, v, x), 2e-5, "device");
      }
    }
  }
}

TEST(LipEncoder, changed_weights_and_calibrated_statistics_come_to_the_device) {
  const std::vector<double> drawn = test::draw("clips", 8 * plane);
  const std::vector<float> x(drawn.begin(), drawn.end());
  auto there = ready<emulated_cuda, small>(false);
  auto here = ready<reference<float>, small>(false);
  lip_engine<LipEncoder<small>, emulated_cuda>::workspace w;
  lip_engine<LipEncoder<small>, reference<float>>::workspace v;
  const std::vector<float> before = embed_with(there, w, x);
  for (int again = 0; again < 3; ++again) {
    there.calibrate(w, x, 4, side, side);
    here.calibrate(v, x, 4, side, side);
    test::expect_close(std::as_const(there).state(), std::as_const(here).state(), 2e-5, "statistics");
    for (auto& f : there.values()) f *= 0.9f;
    for (auto& f : here.values()) f *= 0.9f;
    there.prepare(side, side);
    here.prepare(side, side);
    const std::vector<float> y = embed_with(there, w, x);
    test::expect_close(y, embed_with(here, v, x), 2e-5, "features");
    EXPECT_GT(test::relative_difference(y, before), 1e-3);
  }
}

TEST(LipEncoder, threads_share_a_device) {
  const auto e = ready<emulated_cuda, small>(false);
  std::vector<std::vector<float>> found(4);
  const auto clip_of = [](std::size_t i) {
    const std::vector<double> drawn = test::draw("clip" + std::to_string(i % 2), static_cast<dim_t>(5 + i % 2) * plane);
    return std::vector<float>(drawn.begin(), drawn.end());
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < found.size(); ++i)
      threads.emplace_back([&, i] {
        lip_engine<LipEncoder<small>, emulated_cuda>::workspace w;
        for (int again = 0; again < 3; ++again) found[i] = embed_with(e, w, clip_of(i));
      });
  }
  EXPECT_EQ(found[0], found[2]);
  EXPECT_EQ(found[1], found[3]);
  test::expect_close(found[0], embed_clip(ready<reference<float>, small>(false), test::draw("clip0", 5 * plane), plane), 2e-5,
                     "alone");
}

template <lip_encoder_config S>
void expect_equal_with_threads() {
  const std::vector<double> x = test::draw("clip", 19 * plane);
  for (bool batch : {false, true}) {
    const auto one = embed_clip(ready<cpu, S>(batch, cpu{1}), x, plane);
    EXPECT_EQ(embed_clip(ready<cpu, S>(batch, cpu{3}), x, plane), one) << batch;
  }
}

TEST(LipEncoder, threads_change_nothing) {
  expect_equal_with_threads<medium>();
  expect_equal_with_threads<wide>();
}

// Frames of 88 x 88 pixels, whose maps of 22, 11, 6 and 3 pixels are all made of Winograd's products.
template <image_curve Curve>
void expect_methods_agree() {
  SCOPED_TRACE(static_cast<int>(Curve));
  constexpr lip_encoder_config winograd{.activation = Curve, .width = 16},
      direct{.activation = Curve, .width = 16, .method = conv_method::direct};
  static_assert(lip_encoder_config{}.method == conv_method::winograd, "the default");
  const std::vector<double> x = test::draw("clip", 2 * 88 * 88);
  const auto features = [&](auto&& e, bool batch) {
    fill(e);
    e.prepare(88, 88, batch);
    const auto y = embed_clip(e, x, 88 * 88);
    return std::vector<double>(y.begin(), y.end());
  };
  for (bool batch : {false, true}) {
    SCOPED_TRACE(batch);
    const auto exact = features(lip_engine<LipEncoder<winograd>, reference<double>>(), batch);
    lip_engine<LipEncoder<winograd>, cpu> fewer(cpu{1});
    lip_engine<LipEncoder<direct>, cpu> all(cpu{1});
    const auto y = features(fewer, batch), z = features(all, batch);
    test::expect_close(y, exact, test::tolerance<float>, "winograd");
    test::expect_close(z, exact, test::tolerance<float>, "direct");
    EXPECT_NE(y, z);
    EXPECT_GT(fewer.prepared_bytes(), all.prepared_bytes()) << "25 or 36 weights for 9";
  }
}

TEST(LipEncoder, fewer_products_give_the_same_features) {
  expect_methods_agree<image_curve::prelu>();
  expect_methods_agree<image_curve::swish>();
}

// Frames [from, to) of the whole clip's features.
std::vector<float> columns(const std::vector<float>& y, dim_t frames, dim_t from, dim_t to) {
  std::vector<float> part;
  for (dim_t c = 0; c < static_cast<dim_t>(y.size()) / frames; ++c)
    part.insert(part.end(), y.begin() + (c * frames + from), y.begin() + (c * frames + to));
  return part;
}

template <lip_encoder_config S>
void expect_pieces_of_the_whole() {
  constexpr dim_t frames = 41;  // more than two of the engine's own pieces
  const std::vector<double> x = test::draw("clip", frames * plane);
  const auto e = ready<cpu, S>(false);
  const auto whole = embed_clip(e, x, plane);
  for (dim_t from = 0; from < frames; from += 13) {
    const dim_t to = std::min(from + 13, frames), before = std::min<dim_t>(2, from), after = std::min<dim_t>(2, frames - to);
    const auto part = embed_clip(e, {x.begin() + (from - before) * plane, x.begin() + (to + after) * plane}, plane);
    EXPECT_EQ(columns(part, to - from + before + after, before, before + to - from), columns(whole, frames, from, to)) << from;
  }
  const auto lone = embed_clip(e, {x.begin() + 10 * plane, x.begin() + 20 * plane}, plane);
  EXPECT_NE(columns(lone, 10, 0, 2), columns(whole, frames, 10, 12)) << "without its neighbours a frame looks otherwise";
}

TEST(LipEncoder, a_piece_with_two_frames_on_each_side_is_a_piece_of_the_whole) {
  expect_pieces_of_the_whole<medium>();
  expect_pieces_of_the_whole<wide>();
}

TEST(LipEncoder, memory_is_planned) {
  const auto e = ready<cpu, medium>(false);
  EXPECT_EQ(e.planned_bytes(1000), e.planned_bytes(16)) << "running statistics: pieces";
  EXPECT_LT(e.planned_bytes(3), e.planned_bytes(16));
  const auto batch = ready<cpu, medium>(true);
  EXPECT_GT(batch.planned_bytes(1000), 50 * batch.planned_bytes(16)) << "those of the clip: all of it";
}

TEST(LipEncoder, refuses_what_does_not_fit) {
  auto e = ready<cpu, medium>(false);
  std::vector<float> x(3 * plane), y(3 * 64);
  lip_engine<LipEncoder<medium>, cpu>::workspace w;
  e.embed(w, x, y);
  EXPECT_THROW(e.embed(w, std::span(x).first(plane + 1), y), error);
  EXPECT_THROW(e.embed(w, {}, {}), error);
  EXPECT_THROW(e.embed(w, x, std::span(y).first(191)), error);
  EXPECT_THROW(e.prepare(0, side), error);
  e.values()[0] = 1;
  EXPECT_THROW(e.embed(w, x, y), error) << "the laid out weights are old";
}

TEST(LipEncoder, has_the_published_sizes) {
  EXPECT_EQ(count_params(LipEncoder<presets::lip_swish>()), 11182784);
  EXPECT_EQ(count_params(LipEncoder<presets::lip_prelu>()), 11186688);
  EXPECT_EQ(list_params(LipEncoder<presets::lip_swish>()).size(), 120u);
  EXPECT_EQ(list_params(LipEncoder<presets::lip_prelu>()).size(), 137u);
}

TEST(LipEncoder, starts_as_its_authors_code) {
  const LipEncoder<presets::lip_swish> net;
  std::vector<float> values(static_cast<std::size_t>(net.extent().values)), state(static_cast<std::size_t>(net.extent().state));
  init_params(net, 3, std::span(values), std::span(state));
  for (const param_info& p : list_params(net)) {
    if (p.shape.size() < 4) continue;
    double square = 0, taps = 1;
    for (std::size_t a = 2; a < p.shape.size(); ++a) taps *= static_cast<double>(p.shape[a]);
    for (dim_t i = 0; i < p.size; ++i) square += values[p.offset + i] * values[p.offset + i];
    const double expected = std::sqrt(2 / (taps * static_cast<double>(p.shape[0])));
    EXPECT_NEAR(std::sqrt(square / static_cast<double>(p.size)) / expected, 1, 0.03) << p.name;
  }
}

TEST(LipEncoder, several_clips_are_calibrated_together_and_see_nothing_of_each_other) {
  const std::vector<double> first = test::draw("first", 4 * plane), second = test::draw("second", 4 * plane);
  std::vector<float> both(first.begin(), first.end());
  both.insert(both.end(), second.begin(), second.end());
  const auto calibrated = [&](const std::vector<float>& clips, dim_t each) {
    auto e = ready<cpu, medium>(false);
    lip_engine<LipEncoder<medium>, cpu>::workspace w;
    e.calibrate(w, clips, each, side, side);
    EXPECT_THROW(embed_clip(e, first, plane), error) << "to be prepared again";
    return std::vector<float>(std::as_const(e).state().begin(), std::as_const(e).state().end());
  };
  const std::vector<float> together = calibrated(both, 4), turned = [&] {
    std::vector<float> x(second.begin(), second.end());
    x.insert(x.end(), first.begin(), first.end());
    return calibrated(x, 4);
  }();
  test::expect_close(turned, together, 1e-5, "which comes first does not matter");
  EXPECT_GT(test::relative_difference(calibrated(both, 8), together), 1e-3) << "one clip of eight frames";
  EXPECT_THROW(calibrated(both, 3), error);
}

}  // namespace
}  // namespace avss
