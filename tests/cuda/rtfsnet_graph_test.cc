// A training step of RTFS-Net - statistics of the batch, blocks made anew, dropout - captured and replayed in later steps, on
// the emulator's device memory.
#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/core/random.hpp>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/graphs.cuh>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/cuda/step_value.cuh>
#include <avss/model/rtfsnet.hpp>
#include <cmath>
#include <tests/model/rtfsnet_definition.hpp>
#include <tests/support/draw.hpp>
#include <tests/support/run_rtfsnet.hpp>
#include <utility>
#include <vector>

namespace avss {
namespace {

using net = RtfsNet<test::official>;
constexpr dim_t length = 250, faces = 2, frames = 4;

random_stream stream_of(int step) { return random_stream(3, "dropout", step); }

std::vector<float> drawn(const char* name, dim_t n) { return test::as<float>(test::draw(name, n)); }

// What a step leaves.
struct left {
  std::vector<float> y, gradients, states;
  friend bool operator==(const left&, const left&) = default;
};

class training {
 public:
  training() {
    std::vector<double> values, states;
    test::draw_weights(net_, values, states);
    values_ = device_buffer<float>(on_, test::as<float>(values));
    states_ = device_buffer<float>(on_, test::as<float>(states));
    gradients_ = device_buffer<float>(values.size());
    arena plan;
    context<measure<emulated_cuda>> ctx({on_}, plan, pass::train);
    net::saved<float> s;
    forward(ctx, {.batch_statistics = true, .recompute = true}, s);
    backward(ctx, s);
    memory_ = device_arena(plan.peak());
  }
  template <class Run>
  left step(int number, const Run& run) {
    x_.upload(on_, drawn(("x" + std::to_string(number)).c_str(), length));
    gradients_.upload(on_, std::vector<float>(gradients_.size()));
    run();
    left l{std::vector<float>(y_.size()), std::vector<float>(gradients_.size()), std::vector<float>(states_.size())};
    y_.download(on_, l.y);
    gradients_.download(on_, l.gradients);
    states_.download(on_, l.states);
    return l;
  }
  void work(const pass_rules& rules) {
    memory_.reset();
    context<emulated_cuda> ctx(on_, memory_, pass::train, values_.span(), gradients_.span(), states_.span());
    net::saved<float> s;
    forward(ctx, rules, s);
    backward(ctx, s);
  }
  const emulated_cuda& on() const { return on_; }

 private:
  static net::estimate_shape out() { return net::estimate_shape(1, faces, length); }
  template <class C>
  void forward(C& ctx, const pass_rules& rules, net::saved<float>& s) {
    net_.forward(ctx, view<net::mixture_shape, float>{x_.data(), net::mixture_shape(1, length)},
                 view<net::faces_shape, float>{v_.data(), net::faces_shape(faces, frames)},
                 view<net::estimate_shape, float>{y_.data(), out()}, rules, s);
  }
  template <class C>
  void backward(C& ctx, net::saved<float>& s) {
    net_.backward(ctx, view<net::estimate_shape, const float>{dy_.data(), out()}, nullptr,
                  view<net::mixture_shape, float>{nullptr, net::mixture_shape(1, length)},
                  view<net::faces_shape, float>{dv_.data(), net::faces_shape(faces, frames)}, s);
  }

  emulated_cuda on_;
  net net_;
  device_buffer<float> values_, states_, gradients_, x_{static_cast<std::size_t>(length)},
      v_{on_, drawn("v", faces*frames*test::official.video_channels)}, y_{static_cast<std::size_t>(faces * length)},
      dy_{on_, drawn("dy", faces*length)}, dv_{v_.size()};
  arena memory_;
};

TEST(RtfsNetGraph, of_a_training_step_equals_it) {
  training as_it_is, replayed;
  const step_value<random_stream> stream(replayed.on(), stream_of(0));
  step_graphs<int> graphs(replayed.on());
  std::vector<left> all;
  for (int step = 0; step < 4; ++step) {
    const left exact =
        as_it_is.step(step, [&] { as_it_is.work({.batch_statistics = true, .recompute = true, .dropout = stream_of(step)}); });
    graph_use use{};
    const left found = replayed.step(step, [&] {
      stream.set(replayed.on(), stream_of(step));
      use = graphs.run(0, [&] { replayed.work({.batch_statistics = true, .recompute = true, .dropout_at = stream.data()}); });
    });
    EXPECT_EQ(use, step == 0 ? graph_use::direct : step == 1 ? graph_use::captured : graph_use::replayed) << graphs.problem();
    EXPECT_TRUE(found == exact) << step;
    for (const left& earlier : all) {
      EXPECT_NE(exact.y, earlier.y);
      EXPECT_NE(exact.states, earlier.states);
    }
    all.push_back(exact);
  }
}

// Where a backend's memory is the host's, the stream lies there.
TEST(RtfsNetGraph, drops_the_same_on_any_backend) {
  const net n;
  std::vector<double> values, states;
  test::draw_weights(n, values, states);
  const random_stream stream = stream_of(1);
  const auto run = [&](const pass_rules& rules) {
    std::vector<double> state(states);
    const test::rtfsnet_task task{1, length, faces, frames, pass::train, rules};
    return test::run_rtfsnet<reference<double>>(
        n, values, state, test::draw("x", length), test::draw("v", faces * frames * test::official.video_channels), task,
        [](const auto&, const auto&, auto& dy, auto&) { dy = test::draw("dy", faces * length); }, [](auto&) {});
  };
  const auto given = run({.dropout = stream}), found = run({.dropout_at = &stream});
  EXPECT_EQ(found.y, given.y);
  EXPECT_EQ(found.gradients, given.gradients);
  EXPECT_NE(given.y, run({}).y);
}

}  // namespace
}  // namespace avss
