// Analytic gradients against central differences, in double.
#pragma once

#include <gtest/gtest.h>

#include <avss/reference/backend.hpp>
#include <cmath>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss::test {

// Derivatives of loss() with respect to every value of `at`.
template <class Loss>
std::vector<double> numeric_gradient(std::vector<double>& at, Loss&& loss, double step = 1e-5) {
  std::vector<double> g;
  for (double& x : at) {
    const double was = x;
    x = was + step;
    const double up = loss();
    x = was - step;
    const double down = loss();
    x = was;
    g.push_back((up - down) / (2 * step));
  }
  return g;
}

// Checks every gradient of a case (see op_run.hpp) for the loss sum(output * given gradient), and that backward overwrites
// the gradients of inputs and adds to those of parameters.
template <class Case>
void check_gradients(const Case& c, double limit = 1e-6) {
  using B = reference<double>;
  const std::vector<array_spec> arrays = c.arrays();
  op_run<B> probe(arrays);
  const auto loss = [&] {
    c.forward(probe);
    double sum = 0;
    for (const array_spec& a : arrays)
      if (a.what == role::output)
        for (std::size_t i = 0; i < static_cast<std::size_t>(a.size); ++i)
          sum += probe.values(a.name)[i] * probe.gradients(a.name)[i];
    return sum;
  };
  op_run<B> run(arrays);
  c.forward(run);
  c.backward(run);
  double top = 0;
  std::map<std::string, std::vector<double>> numeric;
  for (const array_spec& a : arrays) {
    if (a.what != role::input && a.what != role::param) continue;
    numeric[a.name] = numeric_gradient(probe.values(a.name), loss);
    for (double g : numeric[a.name]) top = std::max(top, std::abs(g));
  }
  for (const array_spec& a : arrays) {
    if (!numeric.contains(a.name)) continue;
    std::vector<double> analytic = run.gradients(a.name);
    if (a.what == role::param)
      for (double& g : analytic) g -= gradient_start;
    expect_close(analytic, numeric[a.name], limit, "gradient of " + a.name, top / 100);
  }
}

}  // namespace avss::test
