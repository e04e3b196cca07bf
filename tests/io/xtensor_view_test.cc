#include <gtest/gtest.h>

#include <avss/core/error.hpp>
#include <avss/io/xtensor_view.hpp>
#include <vector>
#include <xtensor/xmath.hpp>

namespace avss {
namespace {

TEST(xtensor_view, there_and_back) {
  const std::vector<float> v{1, 2, 3, 4, 5, 6};
  const tensor t = tensor::of<float>({2, 3}, v);
  const xt::xarray<double> copy = to_xarray<double>(t);
  EXPECT_EQ(copy.dimension(), 2u);
  EXPECT_EQ(copy(1, 0), 4.0);
  const auto view = adapt<float>(t);
  EXPECT_EQ(view(0, 2), 3.f);
  EXPECT_EQ(xt::sum(view)(), 21.f);
  const tensor back = from_xarray(to_xarray<float>(t));
  EXPECT_EQ(back.shape, t.shape);
  EXPECT_EQ(back.bytes, t.bytes);
  EXPECT_THROW(adapt<double>(t), error);
  EXPECT_THROW(to_xarray<std::int64_t>(t), error);
  const std::vector<std::uint8_t> pixels{7, 8};
  EXPECT_EQ(to_xarray<std::uint8_t>(tensor::of<std::uint8_t>({2}, pixels))(1), 8);
}

TEST(xtensor_view, no_axes_and_no_elements) {
  const std::vector<float> one{2.5f};
  const xt::xarray<float> scalar = to_xarray<float>(tensor::of<float>({}, one));
  EXPECT_EQ(scalar.dimension(), 0u);
  EXPECT_EQ(scalar(), 2.5f);
  EXPECT_EQ(to_xarray<float>(tensor{dtype::f32, {0, 3}, {}}).size(), 0u);
}

}  // namespace
}  // namespace avss
