// The way back through the lip-reading encoder: against PyTorch (tests/golden/make_lip_training_golden.py), against
// differences, the CPU against the reference, training's way forward against inference's.
#include <gtest/gtest.h>

#include <avss/cpu/lipreading.hpp>
#include <avss/cuda/lipreading.cuh>
#include <avss/layer/init.hpp>
#include <avss/model/lip_encoder.hpp>
#include <avss/model/lip_engine.hpp>
#include <avss/model/lip_trainer.hpp>
#include <avss/reference/lipreading.hpp>
#include <limits>
#include <string>
#include <tests/model/lip_golden.hpp>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <tests/support/gradient_check.hpp>

namespace avss {
namespace {

using test::expect_all_golden_lip_steps;
using test::lip_step;
using test::run_lip_step;

TEST(LipTrainer, golden_reference) { expect_all_golden_lip_steps<reference<double>>(); }
TEST(LipTrainer, golden_cpu) { expect_all_golden_lip_steps<cpu>(); }
TEST(LipTrainer, golden_cuda) { expect_all_golden_lip_steps<emulated_cuda>(); }

// Values, and running statistics that are not those of a new network.
template <class Trainer>
void fill(Trainer& t) {
  using T = typename Trainer::T;
  init_params(t.net(), 5, t.values(), t.state());
  for (const param_info& p : list_params(t.net())) {
    const std::vector<double> v = test::draw(p.name, p.size);
    for (dim_t i = 0; i < p.size; ++i)
      if (p.name.ends_with("running_mean"))
        t.state()[p.offset + i] = static_cast<T>(v[i] / 4);
      else if (p.name.ends_with("running_var"))
        t.state()[p.offset + i] = static_cast<T>(1 + v[i] / 2);
      else if (p.name.ends_with("bias"))
        t.values()[p.offset + i] = static_cast<T>(v[i] / 2);
  }
}

// Every third pixel and every 13th value of each parameter, by differences.
template <image_curve Curve>
void expect_gradients(bool frozen) {
  SCOPED_TRACE(static_cast<int>(Curve));
  SCOPED_TRACE(frozen);
  using trainer = lip_trainer<LipEncoder<test::lip_config(Curve, 1)>, reference<double>>;
  const lip_clips n{2, 3, 9, 10};
  std::vector<double> x = test::draw("clips", n.all() * n.height * n.width), pixels, dpixels;
  const std::vector<double> dy = test::draw("dy", n.all() * trainer::features);
  trainer t;
  fill(t);
  const auto r = run_lip_step(t, n, x, dy, image_rules::training(frozen));
  std::vector<std::size_t> places;
  for (const param_info& p : list_params(t.net()))
    for (dim_t i = 0; i < p.size && !p.is_state; i += 13) places.push_back(static_cast<std::size_t>(p.offset + i));
  trainer probe;
  fill(probe);
  std::vector<double> gradients, values;
  for (const std::size_t p : places) gradients.push_back(t.gradients()[p]), values.push_back(probe.values()[p]);
  for (std::size_t i = 0; i < x.size(); i += 3) pixels.push_back(x[i]), dpixels.push_back(r.dx[i]);
  const auto loss = [&] {
    for (std::size_t i = 0; i < pixels.size(); ++i) x[3 * i] = pixels[i];
    for (std::size_t i = 0; i < places.size(); ++i) probe.values()[places[i]] = values[i];
    std::vector<double> y(dy.size());
    return probe.train_step(n, x, y, image_rules::training(frozen), [&](auto&, auto out, auto) {
      double sum = 0;
      for (std::size_t i = 0; i < dy.size(); ++i) sum += dy[i] * out[i];
      return sum;
    });
  };
  test::expect_close(dpixels, test::numeric_gradient(pixels, loss, 1e-6), 1e-6, "clips");
  const std::vector<double> numeric = test::numeric_gradient(values, loss, 1e-6);
  test::expect_close(gradients, numeric, 1e-6, "parameters");
  EXPECT_GT(test::largest(numeric), 0.1);
}

TEST(LipTrainer, gradients_by_differences) {
  for (const bool frozen : {false, true}) {
    expect_gradients<image_curve::swish>(frozen);
    expect_gradients<image_curve::prelu>(frozen);
    expect_gradients<image_curve::relu>(frozen);
  }
}

constexpr lip_clips some{2, 9, 30, 28};
constexpr dim_t plane = 30 * 28;
// 8 to 64 channels: whole vectors and parts of one.
constexpr lip_encoder_config medium{.activation = image_curve::prelu, .width = 8};
template <class B>
using medium_trainer = lip_trainer<LipEncoder<medium>, B>;

template <class B>
lip_step<typename B::value_type> medium_step(medium_trainer<B>& t, bool frozen) {
  fill(t);
  return run_lip_step(t, some, test::draw("clips", some.all() * plane), test::draw("dy", some.all() * 64),
                      image_rules::training(frozen));
}

TEST(LipTrainer, cpu_is_the_reference) {
  for (const bool frozen : {false, true}) {
    SCOPED_TRACE(frozen);
    medium_trainer<reference<double>> exact;
    medium_trainer<cpu> fast(cpu{2});
    const auto a = medium_step(exact, frozen);
    const auto b = medium_step(fast, frozen);
    test::expect_close(b.y, a.y, 2e-5, "features");
    test::expect_close(b.dx, a.dx, 1e-4, "gradient of the clips");
    for (const param_info& p : list_params(exact.net()))
      if (!p.is_state)
        test::expect_close(fast.gradients().subspan(p.offset, p.size), exact.gradients().subspan(p.offset, p.size), 1e-4,
                           p.name);
  }
}

TEST(LipTrainer, threads_change_nothing) {
  for (const bool frozen : {false, true}) {
    medium_trainer<cpu> one(cpu{1}), three(cpu{3});
    const auto a = medium_step(one, frozen), b = medium_step(three, frozen);
    EXPECT_EQ(a.y, b.y);
    EXPECT_EQ(a.dx, b.dx);
    EXPECT_TRUE(std::equal(one.gradients().begin(), one.gradients().end(), three.gradients().begin()));
    EXPECT_TRUE(std::equal(one.state().begin(), one.state().end(), three.state().begin()));
  }
}

TEST(LipTrainer, forward_is_inference) {
  for (const bool frozen : {false, true}) {
    medium_trainer<cpu> t;
    fill(t);
    lip_engine<LipEncoder<medium>, cpu> e;
    std::copy(t.values().begin(), t.values().end(), e.values().begin());
    std::copy(t.state().begin(), t.state().end(), e.state().begin());
    const auto r = run_lip_step(t, {1, some.frames, 30, 28}, test::draw("clip", some.frames * plane),
                                test::draw("dy", some.frames * 64), image_rules::training(frozen));
    e.prepare(30, 28, !frozen);
    const std::vector<double> drawn = test::draw("clip", some.frames * plane);
    const std::vector<float> x(drawn.begin(), drawn.end());
    std::vector<float> y(r.y.size());
    lip_engine<LipEncoder<medium>, cpu>::workspace w;
    e.embed(w, x, y);
    test::expect_close(r.y, y, 1e-5, frozen ? "running" : "batch");
  }
}

TEST(LipTrainer, gradients_are_added_to_and_clips_see_nothing_of_each_other) {
  medium_trainer<cpu> t;
  const auto both = medium_step(t, true);
  const std::vector<float> once(t.gradients().begin(), t.gradients().end());
  medium_step(t, true);
  for (std::size_t i = 0; i < once.size(); ++i) ASSERT_FLOAT_EQ(t.gradients()[i], 2 * once[i]);
  // The first clip alone.
  const lip_clips first{1, some.frames, some.height, some.width};
  std::vector<double> x = test::draw("clips", some.all() * plane), dy;
  const std::vector<double> all = test::draw("dy", some.all() * 64);
  x.resize(static_cast<std::size_t>(first.all() * plane));
  for (dim_t c = 0; c < 64; ++c) dy.insert(dy.end(), all.begin() + c * some.all(), all.begin() + c * some.all() + first.all());
  const auto alone = run_lip_step(t, first, x, dy, image_rules::training(true));
  test::expect_close(alone.dx, std::span(both.dx).first(alone.dx.size()), 1e-5, "gradient of the first clip");
}

TEST(LipTrainer, learns_what_it_is_told) {
  lip_trainer<LipEncoder<presets::lip_tiny>, cpu> t;
  init_params(t.net(), 1, t.values(), t.state());
  const lip_clips n{2, 6, 22, 22};
  const std::vector<double> drawn = test::draw("clips", n.all() * n.height * n.width), told = test::draw("told", n.all() * 32);
  const std::vector<float> x(drawn.begin(), drawn.end());
  std::vector<float> y(told.size());
  const auto learn = [&] {
    const double loss = t.train_step(n, x, y, image_rules::training(), [&](auto&, auto out, auto d) {
      double sum = 0;
      for (std::size_t i = 0; i < told.size(); ++i) {
        d[i] = static_cast<float>(2 * (out[i] - told[i]) / static_cast<double>(told.size()));
        sum += (out[i] - told[i]) * (out[i] - told[i]) / static_cast<double>(told.size());
      }
      return sum;
    });
    for (std::size_t i = 0; i < t.values().size(); ++i) t.values()[i] -= 0.3f * t.gradients()[i];
    std::fill(t.gradients().begin(), t.gradients().end(), 0.f);
    return loss;
  };
  const double before = learn();
  for (int i = 0; i < 60; ++i) learn();
  EXPECT_LT(learn(), before / 3);
}

TEST(LipTrainer, refuses_what_does_not_fit) {
  medium_trainer<cpu> t;
  std::vector<float> x(static_cast<std::size_t>(some.all() * plane)), y(static_cast<std::size_t>(some.all() * 64));
  const auto nothing = [](auto&, auto, auto) { return 0; };
  EXPECT_THROW(t.train_step(some, std::span(x).first(5), y, {}, nothing), error);
  EXPECT_THROW(t.train_step(some, x, std::span(y).first(5), {}, nothing), error);
  EXPECT_THROW(t.train_step({0, 9, 30, 28}, {}, {}, {}, nothing), error);
  EXPECT_THROW(t.train_step(some, x, y, {}, nothing, std::span(x).first(5)), error);
  t.train_step(some, x, y, {}, nothing);
}

}  // namespace
}  // namespace avss
