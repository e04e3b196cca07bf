// The lip-reading encoder on a backend, from host memory to host memory, against an independent implementation
// (tests/golden/make_lip_encoder_golden.py, make_lip_training_golden.py).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <avss/core/placement.hpp>
#include <avss/model/lip_encoder.hpp>
#include <avss/model/lip_engine.hpp>
#include <avss/model/lip_trainer.hpp>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/host_copy.hpp>
#include <utility>
#include <vector>

namespace avss::test {

constexpr lip_encoder_config lip_config(image_curve curve, dim_t width) { return {.activation = curve, .width = width}; }
template <image_curve Curve>
using golden_lip_encoder = LipEncoder<lip_config(Curve, 2)>;

inline std::string golden_name(image_curve curve) {
  return curve == image_curve::relu ? "relu" : curve == image_curve::prelu ? "prelu" : "swish";
}

// The file's parameters and running statistics.
template <class Net, class T>
void load_lip_golden(const Net& net, const std::map<std::string, golden_array>& golden, std::span<T> values,
                     std::span<T> state) {
  std::size_t found = 0, expected = 0;
  for (const auto& [key, a] : golden) expected += key.starts_with("param/") || key.starts_with("state/");
  for (const param_info& p : list_params(net)) {
    if (p.name.ends_with("num_batches_tracked")) continue;
    const golden_array& a = golden.at((p.is_state ? "state/" : "param/") + p.name);
    ASSERT_EQ(a.shape, p.shape) << p.name;
    std::copy(a.values.begin(), a.values.end(), (p.is_state ? state : values).begin() + p.offset);
    ++found;
  }
  EXPECT_EQ(found, expected);
}

// The features of a clip of frames with so many pixels each.
template <class Engine, class T = typename Engine::T>
std::vector<T> embed_clip(const Engine& e, const std::vector<double>& clip, dim_t plane) {
  const std::vector<T> x(clip.begin(), clip.end());
  std::vector<T> y(x.size() / static_cast<std::size_t>(plane) * static_cast<std::size_t>(Engine::features));
  typename Engine::workspace w;
  e.embed(w, x, y);
  return y;
}

template <class B, image_curve Curve>
void expect_golden_features() {
  using T = typename B::value_type;
  SCOPED_TRACE(golden_name(Curve));
  const auto golden = read_golden("tests/golden/lip_encoder", golden_name(Curve));
  const golden_array& x = golden.at("x");
  lip_engine<golden_lip_encoder<Curve>, B> e;
  load_lip_golden(e.net(), golden, e.values(), e.state());
  const dim_t plane = x.shape[1] * x.shape[2];
  e.prepare(x.shape[1], x.shape[2]);
  expect_close(embed_clip(e, x.values, plane), golden.at("y/running").values, tolerance<T>, "running");
  e.prepare(x.shape[1], x.shape[2], true);
  expect_close(embed_clip(e, x.values, plane), golden.at("y/batch").values, tolerance<T>, "batch");

  const std::vector<T> clip(x.values.begin(), x.values.end());
  typename lip_engine<golden_lip_encoder<Curve>, B>::workspace w;
  e.calibrate(w, clip, x.shape[0], x.shape[1], x.shape[2]);
  for (const param_info& p : list_params(e.net()))
    if (p.name.ends_with("num_batches_tracked")) {
      EXPECT_EQ(std::as_const(e).state()[p.offset], 1) << p.name;
    } else if (p.is_state) {
      const auto s = std::as_const(e).state().subspan(p.offset, p.size);
      expect_close(s, golden.at("after/" + p.name).values, tolerance<T>, p.name);
    }
}

template <class T>
struct lip_step {
  std::vector<T> y, dx;
};

// One step with the loss sum(dy y).
template <class Trainer, class T = typename Trainer::T>
lip_step<T> run_lip_step(Trainer& t, const lip_clips& n, const std::vector<double>& x, const std::vector<double>& dy,
                         const image_rules& rules) {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  lip_step<T> r{std::vector<T>(dy.size(), nan), std::vector<T>(x.size(), nan)};
  const std::vector<T> clips(x.begin(), x.end());
  t.train_step(
      n, clips, r.y, rules,
      [&](auto&, auto, auto d) {
        edit(t.backend(), d, [&](std::span<T> to) { std::copy(dy.begin(), dy.end(), to.begin()); });
        return 0;
      },
      r.dx);
  return r;
}

// The same step several times, as a device runs, captures and replays it.
template <class B, image_curve Curve>
void expect_golden_lip_steps(bool frozen = false) {
  using T = typename B::value_type;
  constexpr double limit = sizeof(T) == sizeof(double) ? 1e-10 : 1e-4;
  const std::string name = golden_name(Curve);
  const auto start = read_golden("tests/golden/lip_encoder", name);
  const auto golden = read_golden("tests/golden/lip_training", frozen ? name + "_frozen" : name);
  const std::vector<dim_t>& shape = golden.at("x").shape;
  double top = 0;
  for (const auto& [key, a] : golden)
    if (key.starts_with("grad/")) top = std::max(top, largest(a.values));
  lip_trainer<golden_lip_encoder<Curve>, B> t;
  for (int time = 0; time < 3; ++time) {
    SCOPED_TRACE(name + (frozen ? " frozen, time " : ", time ") + std::to_string(time));
    edit(t.backend(), t.values(), [&](std::span<T> values) {
      edit(t.backend(), t.state(), [&](std::span<T> state) {
        std::fill(state.begin(), state.end(), T(0));
        load_lip_golden(t.net(), start, values, state);
      });
    });
    const std::vector<T> before = host_copy(t, t.state());
    placement<B>::zero(t.backend(), t.gradients());
    const auto r = run_lip_step(t, {2, shape[0] / 2, shape[1], shape[2]}, golden.at("x").values, golden.at("dy").values,
                                image_rules::training(frozen));
    expect_close(r.y, golden.at("y").values, limit, "features");
    expect_close(r.dx, golden.at("dx").values, limit, "gradient of the clips");
    const std::vector<T> gradients = host_copy(t, t.gradients()), state = host_copy(t, t.state());
    std::ptrdiff_t found = 0;
    for (const param_info& p : list_params(t.net())) {
      const auto of = [&](const std::vector<T>& all) { return std::span<const T>(all).subspan(p.offset, p.size); };
      if (p.name.ends_with("num_batches_tracked")) {
        EXPECT_EQ(of(state)[0], frozen ? 0 : 1) << p.name;
      } else if (!p.is_state) {
        expect_close(of(gradients), golden.at("grad/" + p.name).values, limit, p.name, top / 100);
        ++found;
      } else if (!frozen) {
        expect_close(of(state), golden.at("after/" + p.name).values, limit, p.name);
      }
    }
    EXPECT_EQ(found, std::count_if(golden.begin(), golden.end(), [](const auto& a) { return a.first.starts_with("grad/"); }));
    if (frozen) {
      EXPECT_EQ(state, before);
    }
  }
}

template <class B>
void expect_all_golden_features() {
  expect_golden_features<B, image_curve::relu>();
  expect_golden_features<B, image_curve::prelu>();
  expect_golden_features<B, image_curve::swish>();
}

template <class B>
void expect_all_golden_lip_steps() {
  expect_golden_lip_steps<B, image_curve::relu>();
  expect_golden_lip_steps<B, image_curve::prelu>();
  expect_golden_lip_steps<B, image_curve::swish>();
  expect_golden_lip_steps<B, image_curve::prelu>(true);
}

}  // namespace avss::test
