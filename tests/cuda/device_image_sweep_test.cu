// What image_sweep_test.cc tests on the emulator, on a device.
#include <gtest/gtest.h>

#include <avss/cuda/lipreading.cuh>
#include <avss/reference/lipreading.hpp>
#include <tests/cuda/device_fixture.cuh>
#include <tests/cuda/managed_memory.cuh>
#include <tests/op/image_sweep.hpp>

namespace avss {
namespace {

using test::device;

TEST_F(device, image_conv) { test::check_image_conv<cuda>(2e-5); }
TEST_F(device, large_image_conv) { test::check_large_image_conv<cuda>(5e-5); }
TEST_F(device, image_norm) { test::check_image_norm<cuda>(5e-5); }
TEST_F(device, image_pools) { test::check_image_pools<cuda>(1e-6); }

}  // namespace
}  // namespace avss
