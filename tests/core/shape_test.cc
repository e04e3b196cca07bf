#include <gtest/gtest.h>

#include <avss/core/shape.hpp>
#include <avss/core/view.hpp>
#include <type_traits>

namespace avss {
namespace {

TEST(shape, mixes_static_and_dynamic_extents) {
  using S = shape<dyn, 64, dyn>;
  static_assert(S::rank == 3 && S::n_dynamic == 2);
  static_assert(S::fixed<0> == dyn && S::fixed<1> == 64);
  constexpr S s(2, 100);
  static_assert(s[0] == 2 && s[1] == 64 && s[2] == 100 && s.size() == 12800);
  EXPECT_EQ(to_string(s), "[2, 64, 100]");
  EXPECT_EQ(s, S(2, 100));
  EXPECT_NE(s, S(2, 99));
  EXPECT_EQ((shape<3, 4>{}.size()), 12);
  EXPECT_EQ(shape<>{}.size(), 1);
  EXPECT_EQ(to_string(shape<>{}), "[]");
  EXPECT_EQ((shape<dyn, 5>(0).size()), 0);
  // Larger than 2^32 values.
  EXPECT_EQ((shape<dyn, dyn>(1 << 20, 1 << 20).size()), dim_t{1} << 40);
}

TEST(shape, takes_the_dynamic_extents_only) {
  static_assert(std::is_constructible_v<shape<dyn, 4>, int>);
  static_assert(!std::is_constructible_v<shape<dyn, 4>, int, int>);
  static_assert(!std::is_convertible_v<int, shape<dyn, 4>>);
}

TEST(view, is_row_major_and_does_not_own) {
  using S = shape<dyn, 3>;
  static_assert(std::is_trivially_copyable_v<view<S, float>>);
  float data[6] = {0, 1, 2, 3, 4, 5};
  const view<S, float> v{data, S(2)};
  EXPECT_EQ(v(1, 2), 5);
  EXPECT_EQ(v.size(), 6);
  EXPECT_EQ(v.dim(0), 2);
  v(0, 1) = 7;
  EXPECT_EQ(data[1], 7);
  const view<S, const float> read = v;
  EXPECT_EQ(read(0, 1), 7);
  static_assert(!std::is_convertible_v<view<S, const float>, view<S, float>>);
  static_assert(!std::is_convertible_v<view<shape<dyn, 4>, float>, view<S, float>>);
}

}  // namespace
}  // namespace avss
