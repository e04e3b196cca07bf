#include <gtest/gtest.h>

#include <algorithm>
#include <avss/core/permutation.hpp>
#include <map>
#include <numeric>
#include <vector>

namespace avss {
namespace {

std::vector<std::uint64_t> values(const random_permutation& p) {
  std::vector<std::uint64_t> v(p.size());
  for (std::uint64_t i = 0; i < p.size(); ++i) v[i] = p(i);
  return v;
}

TEST(random_permutation, has_every_value_once) {
  for (std::uint64_t n = 1; n < 300; ++n) {
    std::vector<std::uint64_t> v = values(random_permutation(random_stream(1, n), n)), all(n);
    std::sort(v.begin(), v.end());
    std::iota(all.begin(), all.end(), std::uint64_t{0});
    ASSERT_EQ(v, all) << n;
  }
}

TEST(random_permutation, all_orders_are_about_equally_likely) {
  std::map<std::vector<std::uint64_t>, int> orders;
  for (int seed = 0; seed < 6000; ++seed) ++orders[values(random_permutation(random_stream(2, seed), 3))];
  ASSERT_EQ(orders.size(), 6u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 1000, 150);

  std::vector<int> at(20 * 20);
  for (int seed = 0; seed < 8000; ++seed) {
    const random_permutation p(random_stream(3, seed), 20);
    for (std::uint64_t i = 0; i < 20; ++i) ++at[i * 20 + p(i)];
  }
  for (const int count : at) EXPECT_NEAR(count, 400, 120);
}

TEST(random_permutation, is_said_by_the_stream) {
  const auto order = [](int epoch) { return values(random_permutation(random_stream(1, epoch), 100)); };
  EXPECT_EQ(order(0), order(0));
  EXPECT_NE(order(0), order(1));
  int fixed = 0;
  for (int e = 0; e < 100; ++e) {
    const auto v = order(e);
    for (std::uint64_t i = 0; i < 100; ++i) fixed += v[i] == i;
  }
  EXPECT_NEAR(fixed, 100, 50);
}

// The order of training data: a run that an earlier version saved must go on with the same one.
TEST(random_permutation, stays_as_it_is) {
  using list = std::vector<std::uint64_t>;
  EXPECT_EQ(values(random_permutation(random_stream(1), 10)), (list{1, 4, 6, 8, 5, 9, 2, 0, 3, 7}));
  EXPECT_EQ(values(random_permutation(random_stream(7, "train", 3), 16)), (list{10, 7, 13, 1, 14, 0, 9, 5, 8, 2, 3, 12, 15, 6, 11, 4}));
  const random_permutation large(random_stream(2), 1'000'000'007);
  EXPECT_EQ((list{large(0), large(1), large(999'999'999)}), (list{482844031, 334307671, 298264402}));
}

TEST(random_permutation, needs_no_memory) {
  const random_permutation p(random_stream(1), ~std::uint64_t{0});
  EXPECT_NE(p(0), p(1));
  EXPECT_THROW(random_permutation(random_stream(1), 0), error);
}

}  // namespace
}  // namespace avss
