// Conv-TasNet's variants, and what an independent implementation makes of them (tests/golden/make_convtasnet_golden.py).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <avss/core/placement.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/model/engine.hpp>
#include <map>
#include <span>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/host_copy.hpp>
#include <vector>

namespace avss::test {

constexpr convtasnet_config golden_torchaudio() {
  return {.filters = 7,
          .window = 4,
          .stride = 2,
          .bottleneck = 5,
          .skip = 4,
          .hidden = 6,
          .blocks = 2,
          .repeats = 2,
          .padding = edge_padding::both_ends};
}

constexpr convtasnet_config golden_asteroid() {
  convtasnet_config c = golden_torchaudio();
  c.padding = edge_padding::none;
  c.last = last_residual::unused;
  c.mask = activation::relu;
  return c;
}

template <class Change>
constexpr convtasnet_config with(convtasnet_config c, Change change) {
  change(c);
  return c;
}

// Values, as the file has them.
template <class Net, class T>
void load_convtasnet_golden(const Net& net, const std::map<std::string, golden_array>& golden, std::span<T> values) {
  const auto list = list_params(net);
  ASSERT_EQ(list.size(), static_cast<std::size_t>(std::count_if(golden.begin(), golden.end(),
                                                                [](const auto& a) { return a.first.starts_with("param/"); })));
  for (const param_info& p : list) {
    ASSERT_TRUE(golden.contains("param/" + p.name)) << p.name;
    const auto& a = golden.at("param/" + p.name);
    ASSERT_EQ(a.shape, p.shape) << p.name;
    std::copy(a.values.begin(), a.values.end(), values.begin() + p.offset);
  }
}

inline double largest_gradient(const std::map<std::string, golden_array>& golden) {
  double top = 0;
  for (const auto& [key, a] : golden)
    if (key.starts_with("grad/")) top = std::max(top, largest(a.values));
  return top;
}

// From host memory to host memory on B, several times, as a device runs, captures and replays it. `exact`: of gradients, and of
// what B was given.
template <class B, class Exact, convtasnet_config S>
void expect_golden_engine(const std::string& name, double slack) {
  SCOPED_TRACE(name);
  const auto golden = read_golden("tests/golden/convtasnet", name);
  const auto &x = golden.at("x"), &dy = golden.at("dy"), &y = golden.at("y");
  engine<ConvTasNet<S>, B> ours;
  engine<ConvTasNet<S>, Exact> exact;
  edit(ours.backend(), ours.values(), [&](auto values) {
    load_convtasnet_golden(ours.net(), golden, values);
    std::copy(values.begin(), values.end(), exact.values().begin());
  });
  const auto step = [&](auto& e) {
    using T = typename std::decay_t<decltype(e)>::T;
    const std::vector<float> mixture = x.template as<float>(), gradient = dy.template as<float>();
    std::vector<T> estimates(y.values.size()), back(mixture.size());
    placement<typename std::decay_t<decltype(e)>::backend_type>::zero(e.backend(), e.gradients());
    e.train_step(
        std::vector<T>(mixture.begin(), mixture.end()), estimates, x.shape[0],
        [&](auto&, auto, auto d) {
          edit(e.backend(), std::span<T>(d.data, gradient.size()),
               [&](std::span<T> to) { std::copy(gradient.begin(), gradient.end(), to.begin()); });
          return 0;
        },
        back);
    return std::pair(estimates, back);
  };
  step(exact);
  const double top = largest_gradient(golden), limit = tolerance<float>;
  for (int time = 0; time < 3; ++time) {
    SCOPED_TRACE(time);
    const auto [estimates, back] = step(ours);
    expect_close(estimates, y.values, limit, "y");
    expect_close(back, golden.at("dx").values, limit, "dx");
    const std::vector<float> gradients = host_copy(ours, ours.gradients());
    for (const param_info& p : list_params(ours.net())) {
      const auto of = [&](auto all) { return all.subspan(p.offset, p.size); };
      if (!p.trained) {
        EXPECT_EQ(largest(of(std::span(gradients))), 0) << p.name;
        continue;
      }
      // A sum of terms that nearly cancel moves with the rounding of weights and signals alone: held against the exact one of
      // the rounded, which is the file's but for that.
      const auto& told = golden.at("grad/" + p.name).values;
      expect_close(of(exact.gradients()), told, 1e-4, p.name + " of rounded values", top / 20);
      expect_close(of(std::span(gradients)), of(exact.gradients()), slack * gradient_tolerance<float>(told.size()), p.name,
                   gradient_floor(told, top));
    }
  }
  std::vector<float> estimates(y.values.size());
  for (int time = 0; time < 3; ++time) {
    ours.separate(x.template as<float>(), estimates, x.shape[0]);
    expect_close(estimates, y.values, limit, "y of inference");
  }
}

// Those of which every switch of the network is on and off somewhere.
template <class B, class Exact>
void expect_golden_engines(double slack) {
  expect_golden_engine<B, Exact, with(golden_torchaudio(), [](auto& c) { c.mask = activation::relu, c.window = 5; })>(
      "torchaudio_relu", slack);
  expect_golden_engine<B, Exact, with(golden_asteroid(), [](auto& c) {
                         c.skip = 0, c.last = last_residual::used, c.mask = activation::softmax;
                         c.sources = 3, c.window = 5, c.stride = 3;
                       })>("asteroid_no_skip_softmax", slack);
  expect_golden_engine<B, Exact, with(golden_asteroid(), [](auto& c) {
                         c.causal = true, c.first_norm = c.norm = norm_kind::per_frame, c.kernel = 4;
                       })>("asteroid_causal_per_frame", slack);
  expect_golden_engine<B, Exact, with(golden_asteroid(), [](auto& c) {
                         c.padding = edge_padding::authors, c.causal = true, c.first_norm = c.norm = norm_kind::cumulative;
                         c.mask = activation::sigmoid, c.repeats = 1;
                       })>("authors_causal", slack);
}

}  // namespace avss::test
