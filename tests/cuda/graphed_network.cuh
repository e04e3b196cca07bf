// A small network whose arrays are on the device, run as it is or through step_graphs: the same bits either way.
#pragma once

#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/graphs.cuh>
#include <avss/model/convtasnet.hpp>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace avss::test {

inline constexpr convtasnet_config graphed_config{.filters = 7,
                                                  .window = 4,
                                                  .stride = 2,
                                                  .bottleneck = 5,
                                                  .skip = 4,
                                                  .hidden = 6,
                                                  .blocks = 2,
                                                  .repeats = 2,
                                                  .padding = edge_padding::both_ends};

inline std::vector<float> waves(std::size_t n, double pitch) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(0.4 * std::sin(pitch * static_cast<double>(i + 1)));
  return x;
}

class graphed_network {
 public:
  using net = ConvTasNet<graphed_config>;
  using result = std::pair<std::vector<float>, std::vector<float>>;  // estimates, gradients

  graphed_network(cuda_backend on, dim_t most_samples, std::size_t most_graphs)
      : graphs(on, most_graphs),
        on_(on),
        most_(static_cast<std::size_t>(most_samples)),
        values_(on, waves(static_cast<std::size_t>(net_.extent().values), 0.7)),
        gradients_(values_.size()),
        x_(most_),
        y_(most_ * net::sources),
        dy_(on, waves(most_ * net::sources, 0.11)),
        memory_(device_arena(planned(most_samples))) {}

  // x [batch, length]
  result direct(pass mode, dim_t batch, const std::vector<float>& x) {
    put(x);
    work(mode, batch, static_cast<dim_t>(x.size()) / batch);
    return taken(x.size());
  }
  result graphed(pass mode, dim_t batch, const std::vector<float>& x, graph_use expected) {
    put(x);
    const dim_t length = static_cast<dim_t>(x.size()) / batch;
    EXPECT_EQ(graphs.run({mode, batch, length}, [&] { work(mode, batch, length); }), expected) << batch << " of " << length;
    return taken(x.size());
  }
  int calls() const { return calls_; }

  step_graphs<std::tuple<pass, dim_t, dim_t>> graphs;

 private:
  std::size_t planned(dim_t samples) {
    arena plan;
    context<measure<cuda_backend>> ctx({on_}, plan, pass::train);
    pass_through(ctx, pass::train, 1, samples);
    return 2 * plan.peak();  // whatever the batch
  }
  void work(pass mode, dim_t batch, dim_t length) {
    ++calls_;
    memory_.reset();
    context<cuda_backend> ctx(on_, memory_, mode, values_.span(), gradients_.span());
    pass_through(ctx, mode, batch, length);
  }
  template <class C>
  void pass_through(C& ctx, pass mode, dim_t batch, dim_t length) {
    using estimates = net::estimate_shape;
    typename net::saved<float> saved;
    const view<net::mixture_shape, float> x{x_.data(), net::mixture_shape(batch, length)};
    net_.forward(ctx, x, view<estimates, float>{y_.data(), estimates(batch, length)}, saved);
    if (mode == pass::train)
      net_.backward(ctx, view<estimates, const float>{dy_.data(), estimates(batch, length)},
                    view<net::mixture_shape, float>{nullptr, x.extents}, saved);
  }
  // The input and gradients of zero; NaN where results go.
  void put(const std::vector<float>& x) {
    std::vector<float> all(most_, NAN);
    std::copy(x.begin(), x.end(), all.begin());
    x_.upload(on_, all);
    gradients_.upload(on_, std::vector<float>(gradients_.size()));
    y_.upload(on_, std::vector<float>(y_.size(), NAN));
  }
  result taken(std::size_t samples) {
    std::vector<float> y(y_.size()), gradients(gradients_.size());
    y_.download(on_, y);
    gradients_.download(on_, gradients);
    y.resize(samples * net::sources);
    for (const float v : y) EXPECT_FALSE(std::isnan(v));
    return {y, gradients};
  }

  net net_;
  cuda_backend on_;
  std::size_t most_;
  device_buffer<float> values_, gradients_, x_, y_, dy_;
  arena memory_;
  int calls_ = 0;
};

// Several shapes, again and again, each time with another input.
inline void expect_replays_equal(pass mode, const cuda_backend& on) {
  graphed_network network(on, 200, 8);
  const std::vector<std::pair<dim_t, dim_t>> shapes{{1, 60}, {1, 31}, {3, 45}};
  for (int round = 0; round < 4; ++round) {
    const graph_use expected = round == 0 ? graph_use::direct : round == 1 ? graph_use::captured : graph_use::replayed;
    for (const auto& [batch, length] : shapes) {
      const std::vector<float> x = waves(static_cast<std::size_t>(batch * length), 0.31 + 0.1 * round);
      const auto exact = network.direct(mode, batch, x);
      const int before = network.calls();
      const auto found = network.graphed(mode, batch, x, expected);
      EXPECT_EQ(network.calls() - before, round < 2 ? 1 : 0);
      EXPECT_EQ(found.first, exact.first) << "round " << round << ": " << batch << " of " << length;
      EXPECT_EQ(found.second, exact.second) << "round " << round << ": " << batch << " of " << length;
      EXPECT_EQ(mode == pass::train, found.second != std::vector<float>(found.second.size()));
    }
  }
  EXPECT_EQ(network.graphs.problem(), "");
  EXPECT_EQ(network.graphs.size(), shapes.size());
}

}  // namespace avss::test
