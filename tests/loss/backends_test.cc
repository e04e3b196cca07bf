#include <gtest/gtest.h>

#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/to_host.cuh>

#include "tests/loss/signals.hpp"

namespace avss {
namespace {

using testing::problem;

// Lengths below, at and above the size of a chunk, and not a multiple of anything.
constexpr dim_t lengths[] = {1, 7, 4096, 4097, 20011};

template <class Backend, class L>
void compare(Backend backend, const L& loss, dim_t batch, dim_t sources, dim_t length) {
  problem<float> fast(batch, sources, length, 41), plain = fast;
  problem<double> exact(batch, sources, length, 41);
  std::copy(fast.estimate.begin(), fast.estimate.end(), exact.estimate.begin());
  std::copy(fast.target.begin(), fast.target.end(), exact.target.begin());
  loss_detail of_fast, of_exact;
  const double value = testing::loss_of(backend, loss, fast, &of_fast);
  EXPECT_NEAR(value, testing::loss_of(reference<float>{}, loss, plain), 1e-9);
  EXPECT_NEAR(value, testing::loss_of(reference<double>{}, loss, exact, &of_exact), 1e-9);
  for (std::size_t k = 0; k < of_exact.parts.size(); ++k)
    EXPECT_EQ(of_fast.parts[k].permutation, of_exact.parts[k].permutation);
  for (std::size_t i = 0; i < fast.gradient.size(); ++i) {
    const double tolerance = 1e-6 * (0.1 + std::abs(exact.gradient[i]));
    ASSERT_NEAR(fast.gradient[i], exact.gradient[i], tolerance);
    ASSERT_NEAR(fast.gradient[i], plain.gradient[i], tolerance);
  }
}

template <class Backend>
void compare_all(Backend backend) {
  for (const dim_t length : lengths)
    for (const dim_t sources : {1, 2, 3, 7}) {
      if (length == 1 && sources > 1) continue;  // without means, a single sample is nothing: every permutation is equal
      compare(backend, si_sdr{}, 2, sources, length);
      compare(backend, pit{snr{asteroid_eps}}, 2, sources, length);
      if (length > 1) compare(backend, weighted{pit{si_snr{}}, 1.0} + weighted{sd_sdr{}, 0.5}, 3, sources, length);
    }
}

TEST(cpu_loss, equals_the_reference) { compare_all(cpu{1}); }
TEST(cuda_loss, equals_the_reference) { compare_all(emulated_cuda{}); }

TEST(cpu_loss, is_bit_equal_for_any_number_of_threads) {
  const auto objective = weighted{pit{si_snr{}}, 1.0} + weighted{snr{}, 0.5};
  problem<float> one(3, 2, 30001, 43), many = one;
  const double expected = testing::loss_of(cpu{1}, objective, one);
  for (const int threads : {2, 5}) {
    EXPECT_EQ(testing::loss_of(cpu{threads}, objective, many), expected);
    EXPECT_EQ(many.gradient, one.gradient);
  }
}

}  // namespace
}  // namespace avss
