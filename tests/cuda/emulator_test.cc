// The emulator itself: what kernels may rely on, and which faults of theirs it shows.
#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/cuda/backend.cuh>
#include <cmath>
#include <vector>

namespace avss {
namespace {

// y[block] = sum of x over the block, through shared memory.
struct block_sums {
  static constexpr int threads = 96;
  static constexpr bool cooperates = true;
  const float* x;
  float* y;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    double sum[2] = {x[t.block() * threads + t.index()], 1};
    simt::block_sum(t, sum, t.shared<double>());
    if (t.index() == t.block()) {
      y[t.block()] = static_cast<float>(sum[0]);
      EXPECT_EQ(sum[1], threads);
    }
  }
};

TEST(emulator, sums_over_a_block) {
  std::vector<float> x(96 * 5), y(5);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  emulated_cuda backend;
  for (int again = 0; again < 3; ++again) {
    cuda_kernel::launch(backend, "sums", block_sums{x.data(), y.data()}, 5, simt::sum_doubles<block_sums, 2> * sizeof(double));
    for (std::size_t b = 0; b < 5; ++b) EXPECT_EQ(y[b], static_cast<float>(96 * (96 * b) + 95 * 96 / 2));
  }
}

// Each thread reads what its neighbour wrote, with or without a barrier in between.
struct neighbours {
  static constexpr int threads = 64;
  static constexpr bool cooperates = true;
  bool wait;
  int step;
  float* y;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    float* const shared = t.shared<float>();
    shared[t.index()] = static_cast<float>(t.index());
    if (wait) t.sync();
    y[t.index()] = shared[(t.index() + step + threads) % threads];
  }
};

TEST(emulator, shows_where_a_barrier_is_missing) {
  std::vector<float> y(64);
  emulated_cuda backend;
  for (const int step : {1, -1}) {
    int wrong = 0;
    for (const bool wait : {true, false})
      for (int again = 0; again < 4; ++again) {
        cuda_kernel::launch(backend, "neighbours", neighbours{wait, step, y.data()}, 1, 64 * sizeof(float));
        for (int i = 0; i < 64; ++i) {
          const bool right = y[static_cast<std::size_t>(i)] == static_cast<float>((i + step + 64) % 64);
          if (wait)
            EXPECT_TRUE(right);
          else
            wrong += !right;
        }
      }
    EXPECT_GT(wrong, 0);
  }
}

struct half_waits {
  static constexpr int threads = 64;
  static constexpr bool cooperates = true;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    if (t.index() < 32) t.sync();
  }
};
struct half_a_warp {
  static constexpr int threads = 32;
  static constexpr bool cooperates = true;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    if (t.index() < 16) (void)t.warp_sum(1);
  }
};

TEST(emulator, refuses_a_barrier_that_not_all_reach) {
  emulated_cuda backend;
  const auto said = [&](const char* name, const auto& kernel) {
    try {
      cuda_kernel::launch(backend, name, kernel, 2);
    } catch (const error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(said("half", half_waits{}), "kernel half: some threads of a block wait at a barrier that the others do not reach");
  EXPECT_EQ(said("lanes", half_a_warp{}),
            "kernel lanes: some threads of a block wait at a barrier that the others do not reach");
  std::vector<float> y(64);  // and goes on afterwards
  cuda_kernel::launch(backend, "neighbours", neighbours{true, 1, y.data()}, 1, 64 * sizeof(float));
  EXPECT_EQ(y[0], 1);
}

struct read_shared {
  static constexpr int threads = 32;
  static constexpr bool cooperates = true;
  float* y;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    y[t.block() * threads + t.index()] = t.shared<float>()[t.index()];
    t.shared<float>()[t.index()] = 0;
  }
};

TEST(emulator, gives_each_block_shared_memory_of_nan) {
  std::vector<float> y(64, 0);
  emulated_cuda backend;
  cuda_kernel::launch(backend, "read", read_shared{y.data()}, 2, 32 * sizeof(float));
  for (float v : y) EXPECT_TRUE(std::isnan(v));
}

}  // namespace
}  // namespace avss
