// Runs one layer forward and backward in planned memory, and checks its gradients.
#pragma once

#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/reference/backend.hpp>
#include <limits>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <tests/support/gradient_check.hpp>
#include <vector>

namespace avss::test {

template <class T>
struct layer_result {
  std::vector<T> y, dx, gradients;
  std::size_t peak = 0, planned = 0;
};

// What is to be overwritten, the working memory included, is NaN before; gradients start from `gradient_start`.
template <class B, class Layer, class X>
layer_result<typename B::value_type> run_layer(const Layer& layer, param_extent extent, X shape_in,
                                               std::vector<typename B::value_type> values,
                                               std::vector<typename B::value_type> x, pass mode, B backend = {}) {
  using T = typename B::value_type;
  using Y = typename Layer::template out_shape<X>;
  const Y shape_out = Layer::out(shape_in);
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  const auto both_ways = [&](auto& ctx, T* in, T* out, const T* dout, T* din) {
    typename Layer::template saved<X, T> s;
    layer.forward(ctx, view<X, T>{in, shape_in}, view<Y, T>{out, shape_out}, s);
    if (mode == pass::train) layer.backward(ctx, view<Y, const T>{dout, shape_out}, view<X, T>{din, shape_in}, s);
  };
  layer_result<T> r;
  {
    arena sizes;
    context<measure<B>> ctx({backend}, sizes, mode);
    both_ways(ctx, nullptr, nullptr, nullptr, nullptr);
    r.planned = sizes.peak();
  }
  arena memory(r.planned);
  std::fill_n(static_cast<T*>(memory.take_front(0)), memory.capacity() / sizeof(T), nan);
  r.y.assign(static_cast<std::size_t>(shape_out.size()), nan);
  r.dx.assign(x.size(), nan);
  r.gradients.assign(static_cast<std::size_t>(extent.values), T(gradient_start));
  const std::vector<double> d = draw("dy", shape_out.size());
  const std::vector<T> dy(d.begin(), d.end());
  const std::vector<T> given = dy;
  context<B> ctx(backend, memory, mode, values, r.gradients);
  both_ways(ctx, x.data(), r.y.data(), given.data(), r.dx.data());
  EXPECT_EQ(given, dy) << "backward changed its input";
  r.peak = memory.peak();
  return r;
}

// Checks a layer on x [shape_in]: gradients of input and parameters; that dx is overwritten and parameter gradients are
// added to; that inference gives what training gives, and both use the memory that was planned.
template <class Layer, class X>
void check_layer(Layer layer, X shape_in, double limit = 1e-6) {
  using B = reference<double>;
  const param_extent extent = assign_offsets(layer);
  std::vector<double> values = draw("values", extent.values), x = draw("x", shape_in.size());
  const auto trained = run_layer<B>(layer, extent, shape_in, values, x, pass::train);
  const auto inferred = run_layer<B>(layer, extent, shape_in, values, x, pass::infer);
  EXPECT_EQ(inferred.y, trained.y) << "training and inference differ";
  EXPECT_EQ(trained.peak, trained.planned);
  EXPECT_EQ(inferred.peak, inferred.planned);

  const std::vector<double> dy = draw("dy", static_cast<dim_t>(trained.y.size()));
  const auto loss = [&] {
    const auto y = run_layer<B>(layer, extent, shape_in, values, x, pass::infer).y;
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    return sum;
  };
  const std::vector<double> numeric_dx = numeric_gradient(x, loss), numeric_values = numeric_gradient(values, loss);
  double top = 0;
  for (double g : numeric_dx) top = std::max(top, std::abs(g));
  for (double g : numeric_values) top = std::max(top, std::abs(g));
  expect_close(trained.dx, numeric_dx, limit, "dx", top / 100);
  for (const param_info& p : list_params(layer)) {
    std::vector<double> analytic, numeric;
    for (dim_t i = p.offset; i < p.offset + p.size; ++i) {
      analytic.push_back(trained.gradients[static_cast<std::size_t>(i)] - gradient_start);
      numeric.push_back(numeric_values[static_cast<std::size_t>(i)]);
    }
    expect_close(analytic, numeric, limit, p.name, top / 100);
  }
}

// Runs a layer on Backend and on reference<double>, and compares results and gradients; see against_reference.hpp.
template <class Backend, class Layer, class X>
void check_layer_against_reference(Layer layer, X shape_in, double limit = 2e-5, Backend backend = {}) {
  using T = typename Backend::value_type;
  const param_extent extent = assign_offsets(layer);
  const std::vector<double> values = draw("values", extent.values), x = draw("x", shape_in.size());
  const auto oracle = run_layer<reference<double>>(layer, extent, shape_in, values, x, pass::train);
  const std::vector<T> values_t(values.begin(), values.end()), x_t(x.begin(), x.end());
  const auto trained = run_layer<Backend>(layer, extent, shape_in, values_t, x_t, pass::train, backend);
  const auto inferred = run_layer<Backend>(layer, extent, shape_in, values_t, x_t, pass::infer, backend);
  EXPECT_EQ(inferred.y, trained.y) << "training and inference differ";
  EXPECT_EQ(trained.peak, trained.planned);
  EXPECT_EQ(inferred.peak, inferred.planned);
  expect_close(trained.y, oracle.y, limit, "y");
  expect_close(trained.dx, oracle.dx, limit, "dx");
  double top = 0;
  for (double g : oracle.gradients) top = std::max(top, std::abs(g));
  expect_close(trained.gradients, oracle.gradients, limit, "gradients", top);
}

}  // namespace avss::test
