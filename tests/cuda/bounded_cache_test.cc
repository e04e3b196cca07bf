#include <gtest/gtest.h>

#include <avss/cuda/bounded_cache.hpp>
#include <memory>
#include <vector>

namespace avss {
namespace {

// Remembers which keys it was asked to make.
struct maker {
  bounded_cache<int, std::unique_ptr<int>> cache;
  std::vector<int> made;
  int at(int key) {
    return *cache.get(key, [&] {
      made.push_back(key);
      return std::make_unique<int>(10 * key);
    });
  }
};

TEST(bounded_cache, makes_a_value_once) {
  maker m{bounded_cache<int, std::unique_ptr<int>>(3), {}};
  for (const int key : {1, 2, 1, 3, 2, 1}) EXPECT_EQ(m.at(key), 10 * key);
  EXPECT_EQ(m.made, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(m.cache.size(), 3u);
}

TEST(bounded_cache, gives_up_the_least_recently_used) {
  maker m{bounded_cache<int, std::unique_ptr<int>>(2), {}};
  m.at(1), m.at(2), m.at(1);
  EXPECT_EQ(m.at(3), 30);  // in place of 2
  EXPECT_EQ(m.cache.size(), 2u);
  m.made.clear();
  EXPECT_EQ(m.at(1), 10);
  EXPECT_TRUE(m.made.empty());
  EXPECT_EQ(m.at(2), 20);
  EXPECT_EQ(m.made, std::vector<int>{2});
}

TEST(bounded_cache, stays_as_it_was_where_making_fails) {
  maker m{bounded_cache<int, std::unique_ptr<int>>(1), {}};
  m.at(1);
  EXPECT_THROW(m.cache.get(2, []() -> std::unique_ptr<int> { fail("no"); }), error);
  m.made.clear();
  EXPECT_EQ(m.at(1), 10);
  EXPECT_TRUE(m.made.empty());
  EXPECT_EQ(m.at(2), 20);
}

TEST(bounded_cache, holds_at_least_one) { EXPECT_THROW((bounded_cache<int, int>(0)), error); }

}  // namespace
}  // namespace avss
