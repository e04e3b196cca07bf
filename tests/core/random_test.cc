#include <gtest/gtest.h>

#include <algorithm>
#include <avss/core/random.hpp>
#include <map>
#include <set>
#include <thread>
#include <vector>

namespace avss {
namespace {

// Known answers of the Random123 distribution (file kat_vectors).
TEST(philox, known_answers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (philox_counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (philox_counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (philox_counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

constexpr int draws = 200000;

TEST(random_stream, uniform_has_the_right_moments) {
  const random_stream r(7, "test", 3);
  double sum = 0, square = 0, product = 0, before = 0;
  std::vector<int> bins(16);
  for (int i = 0; i < draws; ++i) {
    const double u = r.uniform(i);
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    square += u * u;
    product += (u - 0.5) * before;
    before = u - 0.5;
    ++bins[static_cast<std::size_t>(u * 16)];
  }
  EXPECT_NEAR(sum / draws, 0.5, 4 * std::sqrt(1.0 / 12 / draws));
  EXPECT_NEAR(square / draws, 1.0 / 3, 4 * std::sqrt(4.0 / 45 / draws));
  EXPECT_NEAR(product / draws, 0, 4.0 / 12 / std::sqrt(draws));
  double chi = 0;
  for (int n : bins) chi += (n - draws / 16.0) * (n - draws / 16.0) / (draws / 16.0);
  EXPECT_LT(chi, 37.7);  // 15 degrees of freedom, 0.1 %
}

TEST(random_stream, float_stays_below_one) {
  const random_stream r(1);
  float most = 0, least = 1;
  for (int i = 0; i < draws; ++i) {
    const float u = r.uniform<float>(i);
    most = std::max(most, u);
    least = std::min(least, u);
    EXPECT_EQ(u * 0x1p24f, std::floor(u * 0x1p24f));
  }
  EXPECT_LT(most, 1);
  EXPECT_GT(most, 0.9999f);
  EXPECT_GE(least, 0);
  EXPECT_LT(least, 0.0001f);
}

TEST(random_stream, normal_has_the_right_moments) {
  const random_stream r(11, "noise");
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  int far = 0;
  for (int i = 0; i < draws; ++i) {
    const double x = r.normal(i);
    m1 += x / draws;
    m2 += x * x / draws;
    m3 += x * x * x / draws;
    m4 += x * x * x * x / draws;
    far += std::abs(x) > 1.959963985;
  }
  const double unit = 1 / std::sqrt(draws);
  EXPECT_NEAR(m1, 0, 4 * unit);
  EXPECT_NEAR(m2, 1, 4 * unit * std::sqrt(2));
  EXPECT_NEAR(m3, 0, 4 * unit * std::sqrt(15));
  EXPECT_NEAR(m4, 3, 4 * unit * std::sqrt(96));
  EXPECT_NEAR(far / double(draws), 0.05, 4 * unit * std::sqrt(0.05 * 0.95));
}

TEST(random_stream, below_is_unbiased) {
  const random_stream r(5, 1, 2);
  std::vector<int> count(7);
  for (int i = 0; i < 70000; ++i) ++count.at(r.below(7, i));
  for (int n : count) EXPECT_NEAR(n, 10000, 4 * std::sqrt(10000 * 6.0 / 7));
  // Just above 2^63 half of the blocks' numbers are refused; a modulo would give half of the range twice as often.
  const std::uint64_t n = (std::uint64_t{1} << 63) + 1;
  int low = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t x = r.below(n, i);
    ASSERT_LT(x, n);
    low += x < n / 2;
  }
  EXPECT_NEAR(low, 10000, 4 * std::sqrt(5000));
  EXPECT_EQ(r.below(1, 9), 0u);
  EXPECT_THROW(r.below(0, 0), error);
}

TEST(random_stream, all_orders_are_equally_likely) {
  std::map<std::vector<int>, int> seen;
  for (int i = 0; i < 24000; ++i) {
    std::vector<int> v{0, 1, 2, 3};
    random_stream(3, "order", i).shuffle(std::span<int>(v));
    ++seen[v];
  }
  ASSERT_EQ(seen.size(), 24u);
  for (const auto& [order, n] : seen) EXPECT_NEAR(n, 1000, 4 * std::sqrt(1000));
}

TEST(random_stream, identities_make_different_streams) {
  std::set<std::uint64_t> first;
  std::size_t n = 0;
  const auto add = [&](const random_stream& r) {
    first.insert(r.bits(0));
    ++n;
  };
  for (std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
    add(random_stream(seed));
    for (int a = 0; a < 30; ++a) {
      add(random_stream(seed, a));
      for (int b = 0; b < 30; ++b) add(random_stream(seed, a, b));
    }
    add(random_stream(seed, "a"));
    add(random_stream(seed, "b"));
    add(random_stream(seed, "a", "b"));
    add(random_stream(seed, "ab"));
  }
  EXPECT_EQ(first.size(), n);
  EXPECT_EQ(random_stream(4, "a", 7).bits(2), random_stream(4, "a").sub(7).bits(2));
  EXPECT_EQ(random_stream(4, std::string("a")).bits(2), random_stream(4, "a").bits(2));
}

// What was drawn once must be drawn by every later version: runs are resumed and repeated.
TEST(random_stream, is_fixed) {
  static_assert(philox4x32({}, {})[0] == 0x6627e8d5);
  EXPECT_EQ(random_stream(0).bits(0), 0xe169c58d6627e8d5u);
  const random_stream r(20240229, "layout", 1);
  EXPECT_EQ(r.bits(0), 0xe3e016e19dfc8ff1u);
  EXPECT_EQ(r.bits(std::uint64_t{1} << 40), 0x091684dc55a73925u);
}

TEST(random_stream, does_not_depend_on_threads) {
  constexpr int n = 1000;
  const random_stream r(9);
  std::vector<double> there(n), here(n);
  std::vector<std::thread> pool;
  pool.reserve(4);
  for (int w = 0; w < 4; ++w)
    pool.emplace_back([&, w] {
      for (int i = n - 1 - w; i >= 0; i -= 4) there[static_cast<std::size_t>(i)] = r.uniform(i);
    });
  for (std::thread& t : pool) t.join();
  for (int i = 0; i < n; ++i) here[static_cast<std::size_t>(i)] = r.uniform(i);
  EXPECT_EQ(there, here);
}

TEST(random_sequence, reads_the_stream) {
  const random_stream r(6, "x");
  random_sequence s(r);
  EXPECT_EQ(s.uniform(), r.uniform(0));
  EXPECT_EQ(s.uniform<float>(), r.uniform<float>(1));
  EXPECT_EQ(s.normal(), r.normal(2));
  EXPECT_EQ(s.below(10), r.below(10, 3));
  EXPECT_EQ(s.uniform(2.0, 5.0), 2 + 3 * r.uniform(4));
  int hits = 0;
  for (int i = 0; i < 10000; ++i) hits += s.chance(0.25);
  EXPECT_NEAR(hits, 2500, 4 * std::sqrt(10000 * 0.1875));
  std::vector<int> a{1, 2, 3, 4, 5, 6}, b = a;
  s.shuffle(std::span<int>(a));
  std::sort(a.begin(), a.end());
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace avss
