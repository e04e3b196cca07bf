// A backend against the readable definition of the operations.
#pragma once

#include <gtest/gtest.h>

#include <avss/reference/backend.hpp>
#include <cmath>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss::test {

// Runs a case (see op_run.hpp) on Backend and on reference<double>, everything that is to be overwritten being NaN before,
// and compares all that they made. `limit` is relative to the array's largest value, or to a twentieth of that of all
// arrays, whichever is larger: sums that nearly cancel are as exact as their terms.
template <class Backend, class Case>
void check_against_reference(const Case& c, double limit = 2e-4, Backend backend = {}) {
  const std::vector<array_spec> arrays = c.arrays();
  op_run<Backend> run(arrays, backend);
  op_run<reference<double>> oracle(arrays);
  const auto top = [&](auto&& of) {
    double t = 0;
    for (const array_spec& a : arrays)
      if (const std::vector<double>* v = of(a))
        for (double x : *v) t = std::max(t, std::abs(x));
    return t;
  };
  const auto made = [&](const array_spec& a) {
    return a.what == role::output || a.what == role::made ? &oracle.values(a.name) : nullptr;
  };
  const auto gradient = [&](const array_spec& a) {
    return a.what == role::input || a.what == role::param ? &oracle.gradients(a.name) : nullptr;
  };

  c.forward(run);
  c.forward(oracle);
  const double top_made = top([&](const array_spec& a) { return a.what == role::output ? made(a) : nullptr; });
  for (const array_spec& a : arrays)
    if (a.what == role::output) expect_close(run.values(a.name), *made(a), limit, a.name, top_made / 20);
  c.backward(run);
  c.backward(oracle);
  for (const array_spec& a : arrays)
    if (a.what == role::made) expect_close(run.values(a.name), *made(a), limit, a.name, 1);
  const double top_gradient = top(gradient);
  for (const array_spec& a : arrays)
    if (gradient(a)) expect_close(run.gradients(a.name), *gradient(a), limit, "gradient of " + a.name, top_gradient / 20);
}

// Sizes at and around the edges of vectors and tiles.
struct op_size {
  dim_t batch, channels, frames;
};
inline std::vector<op_size> op_sizes() {
  std::vector<op_size> all;
  for (dim_t frames : {1, 2, 7, 63, 64, 65, 257, 1000})
    for (dim_t channels : {1, 3, 16, 33})
      for (dim_t batch : {1, 3}) all.push_back({batch, channels, frames});
  // Beyond every block that sums and hops are cut into.
  all.push_back({1, 2, 5003});
  all.push_back({2, 1, 4097});
  return all;
}

}  // namespace avss::test
