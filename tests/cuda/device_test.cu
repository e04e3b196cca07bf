// A device, its memory and its errors.
#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/cuda/act_norm.cuh>
#include <avss/cuda/backend.cuh>
#include <avss/cuda/copy.cuh>
#include <avss/cuda/product.cuh>
#include <avss/cuda/to_host.cuh>
#include <cmath>
#include <limits>
#include <string>
#include <tests/cuda/device_fixture.cuh>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <vector>

namespace avss {
namespace {

TEST(cuda, plans_without_a_driver) {
  arena plan;
  context<measure<cuda>> ctx({cuda()}, plan, pass::train);
  op::act_norm<float> f;
  f.norm = norm_kind::global;
  ctx.run(op::moments<float>{2, 16, 1000, nullptr, f});
  EXPECT_EQ(plan.peak(), 2u * 16 * 2 * sizeof(double));
}

using test::device;

TEST_F(device, copies_there_and_back) {
  cuda on;
  const std::vector<float> x{1, 2, 3, 4, 5};
  const device_buffer<float> from(on, x), to(x.size());
  execute(on, op::copy<float>{1, 5, 5, 5, from.data(), to.data(), false}, nullptr);
  std::vector<float> y(x.size());
  execute(on, op::to_host<float>{5, to.data(), y.data()}, nullptr);
  EXPECT_EQ(y, x);
}

// Products of the same sizes share a plan, whatever their data and beta; those that lie otherwise do not.
TEST_F(device, keeps_the_plans_of_products) {
  cuda on;
  const device_buffer<std::byte> workspace(cuda::product_workspace);
  const auto expect_product = [&](const char* name, bool turned, float beta) {
    constexpr dim_t m = 8, n = 12, k = 8;
    const std::vector<double> a = test::draw(name, m * k), b = test::draw("b", k * n), start = test::draw("start", m * n);
    std::vector<double> exact(start);
    for (dim_t r = 0; r < m; ++r)
      for (dim_t c = 0; c < n; ++c) {
        double sum = beta * start[r * n + c];
        for (dim_t i = 0; i < k; ++i) sum += a[turned ? i * m + r : r * k + i] * b[i * n + c];
        exact[r * n + c] = sum;
      }
    const auto there = [&](const std::vector<double>& v) {
      const std::vector<float> x(v.begin(), v.end());
      return device_buffer<float>(on, x);
    };
    const device_buffer<float> left = there(a), right = there(b), to = there(start);
    cuda_kernel::multiply(on, {m, n, k, 1, {left.data(), turned ? m : k, 0, turned}, {right.data(), n}, to.data(), 0, beta},
                          workspace.data());
    std::vector<float> y(to.size());
    to.download(on, y);
    test::expect_close(y, exact, 1e-6, name);
  };
  expect_product("first", false, 0);
  EXPECT_EQ(on.plans().size(), 1u);
  expect_product("second", false, 1);
  EXPECT_EQ(on.plans().size(), 1u);
  expect_product("second", true, 0);  // as large, and lies as far from row to row
  EXPECT_EQ(on.plans().size(), 2u);
  expect_product("first", false, 0);
  EXPECT_EQ(on.plans().size(), 2u);
}

// In each precision to what its factors allow, and a plan for each.
TEST_F(device, multiplies_in_the_precision_asked_for) {
  constexpr dim_t m = 64, n = 96, k = 256;
  const std::vector<double> a = test::draw("a", m * k), b = test::draw("b", k * n);
  std::vector<double> exact(m * n);
  for (dim_t r = 0; r < m; ++r)
    for (dim_t c = 0; c < n; ++c)
      for (dim_t i = 0; i < k; ++i) exact[r * n + c] += a[r * k + i] * b[i * n + c];
  const std::vector<float> left(a.begin(), a.end()), right(b.begin(), b.end());
  const auto expect_within = [&](product_precision p, double limit) {
    const cuda on(p);
    const device_buffer<std::byte> workspace(cuda::product_workspace);
    const device_buffer<float> x(on, left), y(on, right), to(exact.size());
    const auto product_of = [&](const float* from) {
      cuda_kernel::multiply(on, {m, n, k, 1, {from, k}, {y.data(), n}, to.data(), 0}, workspace.data());
      std::vector<float> found(to.size());
      to.download(on, found);
      return found;
    };
    test::expect_close(product_of(x.data()), exact, limit, std::string(precision_word(p)));
    std::vector<float> odd(left);
    odd[0] = std::numeric_limits<float>::quiet_NaN();
    odd[k] = std::numeric_limits<float>::infinity();
    const device_buffer<float> there(on, odd);
    const std::vector<float> found = product_of(there.data());
    for (dim_t c = 0; c < n; ++c) {
      EXPECT_TRUE(std::isnan(found[c])) << c;
      EXPECT_FALSE(std::isfinite(found[n + c])) << c;
      EXPECT_TRUE(std::isfinite(found[2 * n + c])) << c;
    }
    EXPECT_EQ(on.plans().size(), 1u);
  };
  expect_within(product_precision::float32, 1e-5);
  expect_within(product_precision::tensor_float32, 2e-3);
  expect_within(product_precision::bfloat16, 1e-2);
}

TEST_F(device, says_what_does_not_fit) {
  try {
    device_arena(std::size_t{1} << 50);
    FAIL();
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("out of device memory: the network's working memory needs"), std::string::npos);
  }
}

}  // namespace
}  // namespace avss
