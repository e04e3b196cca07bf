#include <gtest/gtest.h>

#include <avss/io/tensor.hpp>
#include <limits>

namespace avss {
namespace {

TEST(tensor, converts_every_element_type) {
  const std::vector<float> v{1.5f, -2.f, 0.25f};
  EXPECT_EQ(tensor::of<float>({3}, v).values<double>(), (std::vector<double>{1.5, -2, 0.25}));
  const std::vector<std::int64_t> n{-7, 1LL << 40};
  EXPECT_EQ(tensor::of<std::int64_t>({2}, n).values<double>(), (std::vector<double>{-7, 1099511627776.0}));
  tensor half{dtype::f16, {4}, {}};
  const std::uint16_t h[] = {0x3c00, 0xc000, 0x0001, 0x7bff};  // 1, -2, smallest subnormal, largest
  half.bytes.resize(8);
  std::memcpy(half.bytes.data(), h, 8);
  EXPECT_EQ(half.values<double>(), (std::vector<double>{1, -2, 5.9604644775390625e-8, 65504}));
  tensor brain{dtype::bf16, {2}, {}};
  const std::uint16_t b[] = {0x3f80, 0xc040};
  brain.bytes.resize(4);
  std::memcpy(brain.bytes.data(), b, 4);
  EXPECT_EQ(brain.values<float>(), (std::vector<float>{1, -3}));
}

TEST(tensor, refuses_a_wrong_count) {
  const std::vector<float> v(5);
  EXPECT_THROW(tensor::of<float>({2, 3}, v), error);
}

}  // namespace
}  // namespace avss
