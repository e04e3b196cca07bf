// What products in reduced precision cost each family of operations that has some: the device's kernels, run by the emulator,
// against the definition in double. Errors are fractions of the largest value. One factor is off by 2^-9 = 0.2 % in bf16, by
// 2^-12 = 0.02 % in TF32; sums whose terms nearly cancel are off by some times that.
#include <gtest/gtest.h>

#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/pointwise.cuh>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <tests/op/map_sweep.hpp>
#include <tests/op/sweep.hpp>

namespace avss {
namespace {

const emulated_cuda bf16(product_precision::bfloat16), tf32(product_precision::tensor_float32);
constexpr double bf16_limit = 3e-2, tf32_limit = 4e-3;

// Without norms and PReLUs, which make any difference of what is nearly constant, or nearly zero, as large as one likes.
void check_pointwise(double limit, const emulated_cuda& on) {
  test::detail::sweep([&](const test::op_size& s, test::detail::options o) {
    test::pointwise_case c{s.batch, s.channels, s.frames, {}};
    c.outs = {1 + 8 * o.of(4)};
    c.bias = o.coin();
    c.residual = o.of(3);
    if (o.coin()) c.outs.push_back(17);
    c.accumulate = o.coin();
    test::check_against_reference(c, limit, on);
  });
}

// Likewise without a mask's PReLU or ReLU.
void check_filterbank(double limit, const emulated_cuda& on) {
  for (const test::op_size& s : test::op_sizes()) {
    SCOPED_TRACE("channels " + std::to_string(s.channels) + " frames " + std::to_string(s.frames));
    const dim_t length = (s.frames - 1) * 8 + 16;
    test::check_against_reference(test::analysis_case{s.batch, length, s.channels, 16, 8, s.frames, 0}, limit, on);
    test::synthesis_case c{s.batch, 6, 2, s.channels, 16, 8, s.frames, 0, length};
    c.act = activation::sigmoid;
    c.slope = false;
    test::check_against_reference(c, limit, on);
  }
}

TEST(tf32, pointwise) { check_pointwise(tf32_limit, tf32); }
TEST(tf32, filterbank) { check_filterbank(tf32_limit, tf32); }
TEST(tf32, conv2d) { test::check_conv2d(tf32_limit, tf32); }
TEST(tf32, recurrent) { test::check_recurrent(tf32_limit, tf32); }
TEST(tf32, sequence) { test::check_sequence(tf32_limit, tf32); }
TEST(tf32, attention) { test::check_attention(tf32_limit, tf32); }

TEST(bf16, pointwise) { check_pointwise(bf16_limit, bf16); }
TEST(bf16, filterbank) { check_filterbank(bf16_limit, bf16); }
TEST(bf16, conv2d) { test::check_conv2d(bf16_limit, bf16); }
TEST(bf16, recurrent) { test::check_recurrent(bf16_limit, bf16); }
TEST(bf16, sequence) { test::check_sequence(bf16_limit, bf16); }
TEST(bf16, attention) { test::check_attention(bf16_limit, bf16); }

// Spectra are made in float32 all the same.
TEST(bf16, spectrum) { test::check_spectrum(2e-4, bf16); }

}  // namespace
}  // namespace avss
