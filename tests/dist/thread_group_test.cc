// A group of threads: sums in the order of the ranks, and ends that nobody waits for.
#include <gtest/gtest.h>

#include <avss/core/error.hpp>
#include <avss/dist/thread_group.hpp>
#include <string>
#include <vector>

namespace avss {
namespace {

TEST(thread_group, everyone_has_the_sum_in_the_order_of_the_ranks) {
  thread_group::run(4, [](worker_group& g) {
    // In another order the small ones would be lost, or another one would.
    const double parts[4] = {1e16, 1, -1e16, 1};
    std::vector<double> values{parts[g.rank()], static_cast<double>(g.rank())};
    std::vector<float> floats(1000, static_cast<float>(g.rank() + 1));
    for (int again = 0; again < 20; ++again) {
      std::vector<double> d = values;
      std::vector<float> f = floats;
      g.sum(d);
      g.sum(f);
      EXPECT_EQ(d, (std::vector<double>{((1e16 + 1) - 1e16) + 1, 6}));
      EXPECT_EQ(f, std::vector<float>(1000, 10));
    }
    EXPECT_EQ(g.size(), 4);
    EXPECT_TRUE(g.any(g.rank() == 2));
    EXPECT_FALSE(g.any(false));
    g.barrier();
  });
}

TEST(thread_group, one_alone_is_a_group) {
  worker_group alone;
  double x = 3;
  alone.sum(std::span<double>(&x, 1));
  EXPECT_EQ(x, 3);
  EXPECT_TRUE(alone.first());
  EXPECT_TRUE(alone.any(true));
  EXPECT_FALSE(alone.any(false));
}

TEST(thread_group, what_one_throws_ends_all) {
  int went_on = 0;
  try {
    thread_group::run(3, [&](worker_group& g) {
      g.barrier();
      if (g.rank() == 1) fail("the disk of worker ", g.rank(), " is full");
      g.barrier();
      ++went_on;
    });
    FAIL() << "nothing was thrown";
  } catch (const error& e) {
    EXPECT_EQ(std::string(e.what()), "the disk of worker 1 is full");
  }
  EXPECT_EQ(went_on, 0);
}

TEST(thread_group, sums_of_different_sizes_are_refused) {
  EXPECT_THROW(thread_group::run(2,
                                 [](worker_group& g) {
                                   std::vector<float> values(g.first() ? 3 : 4);
                                   g.sum(values);
                                 }),
               error);
}

}  // namespace
}  // namespace avss
