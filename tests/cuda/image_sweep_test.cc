// The device's operations on images, run by the emulator, against the definition in double.
#include <gtest/gtest.h>

#include <avss/cuda/lipreading.cuh>
#include <avss/reference/lipreading.hpp>
#include <tests/op/image_sweep.hpp>

namespace avss {
namespace {

TEST(emulated_cuda, image_conv) { test::check_image_conv<emulated_cuda>(2e-5); }
static_assert(2 * 120 * 120 * 15 * 15 <= cuda_kernel::most_unfolded && 3 * 120 * 120 * 15 * 15 > cuda_kernel::most_unfolded,
              "the large convolution goes in two groups");
TEST(emulated_cuda, large_image_conv) { test::check_large_image_conv<emulated_cuda>(5e-5); }
TEST(emulated_cuda, image_norm) { test::check_image_norm<emulated_cuda>(5e-5); }
TEST(emulated_cuda, image_pools) { test::check_image_pools<emulated_cuda>(1e-6); }

}  // namespace
}  // namespace avss
