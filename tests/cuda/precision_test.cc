// Products in reduced precision: the words of the setting, rounding of factors, sums.
#include <gtest/gtest.h>

#include <avss/core/carver.hpp>
#include <avss/cuda/precision.hpp>
#include <avss/cuda/product.cuh>
#include <avss/cuda/rounding.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/draw.hpp>
#include <vector>

namespace avss {
namespace {

using enum product_precision;
constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN(),
                largest = std::numeric_limits<float>::max();

TEST(Precision, has_words) {
  for (const product_precision p : {float32, tensor_float32, bfloat16})
    EXPECT_EQ(precision_of(precision_word(p), "inferencer.precision"), p);
  EXPECT_EQ(precision_word(float32), "float32");
  EXPECT_EQ(precision_word(tensor_float32), "tf32");
  EXPECT_EQ(precision_word(bfloat16), "bf16");
  try {
    precision_of("fp16", "inferencer.precision");
    FAIL();
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "inferencer.precision: expected float32, tf32 or bf16, found 'fp16'");
  }
}

TEST(Precision, belongs_to_the_backend_and_is_float32_unless_said) {
  EXPECT_EQ(emulated_cuda().precision(), float32);
  const emulated_cuda on(bfloat16), copy = on;
  EXPECT_EQ(copy.precision(), bfloat16);
}

// The nearest value of `bits` bits by arithmetic in double, of two as near the even one.
float nearest_by_arithmetic(float v, int bits) {
  if (v == 0) return v;
  const double unit = std::ldexp(1.0, std::max(std::ilogb(v), -126) - bits);
  return static_cast<float>(std::nearbyint(v / unit) * unit);
}

TEST(Precision, rounds_factors_to_the_nearest_even) {
  std::vector<float> values{0.f, 1.f, 1e-40f, std::numeric_limits<float>::denorm_min(), 3.3e38f, largest, 1e-38f};
  // Halfway between two values of bf16 and of TF32, a little below and above.
  for (const int half : {8, 11})
    for (const float whole : {1.f, 1 + std::ldexp(2.f, -half), 1 + std::ldexp(4.f, -half)})
      for (const float from : {-1e-6f, 0.f, 1e-6f}) values.push_back(whole + std::ldexp(1.f, -half) + from);
  for (const double v : test::draw("values", 5000)) values.push_back(static_cast<float>(std::pow(10, 30 * v) * v));
  for (const float positive : values)
    for (const float v : {positive, -positive}) {
      EXPECT_EQ(emulated::factor<float32>(v), v);
      EXPECT_EQ(emulated::factor<tensor_float32>(v), nearest_by_arithmetic(v, 10)) << v;
      EXPECT_EQ(emulated::factor<bfloat16>(v), nearest_by_arithmetic(v, 7)) << v;
      EXPECT_EQ(std::signbit(emulated::factor<bfloat16>(v)), std::signbit(v)) << v;
    }
  EXPECT_EQ(emulated::factor<bfloat16>(1 + 0x1p-8f), 1);
  EXPECT_EQ(emulated::factor<bfloat16>(1 + 3 * 0x1p-8f), 1 + 0x1p-6f);
  EXPECT_EQ(emulated::factor<tensor_float32>(1 + 0x1p-11f), 1);
  EXPECT_EQ(emulated::factor<bfloat16>(largest), infinity);  // as a device does
}

TEST(Precision, keeps_what_is_no_number) {
  const std::uint32_t low_bits[] = {0x7F800001u, 0xFF800001u, 0x7F80FFFFu};  // NaNs that cutting bits off makes infinite
  for (const std::uint32_t bits : low_bits) {
    EXPECT_TRUE(std::isnan(emulated::factor<bfloat16>(std::bit_cast<float>(bits))));
    EXPECT_TRUE(std::isnan(emulated::factor<tensor_float32>(std::bit_cast<float>(bits))));
  }
  for (const float v : {infinity, -infinity}) {
    EXPECT_EQ(emulated::factor<bfloat16>(v), v);
    EXPECT_EQ(emulated::factor<tensor_float32>(v), v);
  }
}

float dot(product_precision p, const std::vector<float>& a, const std::vector<float>& b, float start = 0) {
  float to = start;
  const auto k = static_cast<dim_t>(a.size());
  cuda_kernel::multiply(emulated_cuda(p), {1, 1, k, 1, {a.data(), k}, {b.data(), 1}, &to, 0, start != 0 ? 1.f : 0.f}, nullptr);
  return to;
}

TEST(Precision, of_a_product_is_that_of_its_factors) {
  const float x = 1 + 0x1p-9f;  // has no room in bf16
  EXPECT_EQ(dot(float32, {x}, {x}), x * x);
  EXPECT_EQ(dot(tensor_float32, {x}, {x}), x * x);
  EXPECT_EQ(dot(bfloat16, {x}, {x}), 1);
  EXPECT_EQ(dot(tensor_float32, {1 + 0x1p-12f}, {1}), 1);
  // The product itself, what it is added to and their sum are float32.
  EXPECT_EQ(dot(bfloat16, {1 + 0x1p-7f}, {1 + 0x1p-7f}), 1 + 0x1p-6f + 0x1p-14f);
  EXPECT_EQ(dot(bfloat16, {1}, {1}, 0x1p-20f), 1 + 0x1p-20f);
}

TEST(Precision, of_a_product_leaves_its_sum_in_float32) {
  // Sums in bf16 would end at 256.
  const std::vector<float> ones(5000, 1.f);
  EXPECT_EQ(dot(bfloat16, ones, ones), 5000);
  // Errors of the factors go either way: they grow as the root of the number of terms, not with it.
  for (const dim_t n : {100, 10000}) {
    const std::vector<double> a = test::draw("a", n), b = test::draw("b", n);
    double exact = 0;
    for (std::size_t i = 0; i < a.size(); ++i) exact += a[i] * b[i];
    const std::vector<float> x(a.begin(), a.end()), y(b.begin(), b.end());
    const double root = std::sqrt(static_cast<double>(n));
    EXPECT_LE(std::abs(dot(bfloat16, x, y) - exact), 0x1p-9 * 2 * root);
    EXPECT_GT(std::abs(dot(bfloat16, x, y) - exact), 1e-5 * root) << "nothing was rounded";
    EXPECT_LE(std::abs(dot(tensor_float32, x, y) - exact), 0x1p-12 * 2 * root);
  }
}

TEST(Precision, of_a_product_leaves_a_nan_where_it_was) {
  for (const product_precision p : {float32, tensor_float32, bfloat16}) {
    EXPECT_TRUE(std::isnan(dot(p, {1, nan, 1}, {1, 1, 1})));
    EXPECT_EQ(dot(p, {1, infinity}, {1, 1}), infinity);
    EXPECT_TRUE(std::isnan(dot(p, {1, infinity}, {1, 0})));
    EXPECT_TRUE(std::isnan(dot(p, {infinity, -infinity}, {1, 1})));
  }
}

// Gradients of weights: a product for each item, then their sum, to which no precision is lost.
TEST(Precision, of_a_gradient_is_that_of_its_terms) {
  constexpr dim_t rows = 3, columns = 5, frames = 40;
  for (const dim_t batch : {1, 64}) {
    const std::vector<double> a = test::draw("a", batch * rows * frames), b = test::draw("b", batch * frames * columns);
    const std::vector<float> x(a.begin(), a.end()), y(b.begin(), b.end());
    std::vector<double> exact(rows * columns, 0.5);
    for (dim_t i = 0; i < batch; ++i)
      for (dim_t r = 0; r < rows; ++r)
        for (dim_t c = 0; c < columns; ++c)
          for (dim_t t = 0; t < frames; ++t)
            exact[static_cast<std::size_t>(r * columns + c)] +=
                static_cast<double>(emulated::factor<bfloat16>(x[static_cast<std::size_t>((i * rows + r) * frames + t)])) *
                emulated::factor<bfloat16>(y[static_cast<std::size_t>((i * frames + t) * columns + c)]);
    std::vector<std::byte> scratch(layout_bytes([&](carver& m) { cuda_kernel::summed_product(m, rows, columns, batch); }) + 64);
    carver memory(scratch.data());
    const cuda_kernel::summed_product sum(memory, rows, columns, batch);
    std::vector<float> to(rows * columns, 0.5f);
    sum.run(
        emulated_cuda(bfloat16),
        {rows, columns, frames, batch, {x.data(), frames, rows * frames}, {y.data(), columns, frames * columns}, nullptr, 0},
        to.data(), nullptr);
    test::expect_close(to, exact, 1e-6, "a gradient");
  }
}

}  // namespace
}  // namespace avss
