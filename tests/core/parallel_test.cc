#include <gtest/gtest.h>

#include <avss/core/parallel.hpp>
#include <stdexcept>
#include <vector>

namespace avss {
namespace {

TEST(parallel, every_piece_once_whatever_the_threads) {
  for (int threads : {1, 2, 5})
    for (dim_t n : {0, 1, 2, 1000}) {
      std::vector<int> times(static_cast<std::size_t>(n));
      parallel_for(threads, n, [&](dim_t i, int worker) {
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, threads);
        ++times[static_cast<std::size_t>(i)];
      });
      EXPECT_EQ(times, std::vector<int>(times.size(), 1));
    }
}

TEST(parallel, what_a_piece_throws_reaches_the_caller) {
  for (int threads : {1, 3})
    EXPECT_THROW(parallel_for(threads, 100,
                              [](dim_t i, int) {
                                if (i == 57) throw std::runtime_error("57");
                              }),
                 std::runtime_error);
}

}  // namespace
}  // namespace avss
