// What map_sweep_test.cc tests on the emulator, on a device.
#include <gtest/gtest.h>

#include <avss/cuda/rtfsnet.cuh>
#include <avss/reference/rtfsnet.hpp>
#include <tests/cuda/device_fixture.cuh>
#include <tests/cuda/managed_memory.cuh>
#include <tests/op/map_sweep.hpp>

namespace avss {
namespace {

using test::device;

TEST_F(device, map_norm) { test::check_map_norm<cuda>(); }
TEST_F(device, spectrum) { test::check_spectrum<cuda>(); }
TEST_F(device, conv2d) { test::check_conv2d<cuda>(); }
TEST_F(device, resize) { test::check_resize<cuda>(); }
TEST_F(device, recurrent) { test::check_recurrent<cuda>(); }
TEST_F(device, sequence) { test::check_sequence<cuda>(); }
TEST_F(device, attention) { test::check_attention<cuda>(); }
TEST_F(device, fusion) { test::check_fusion<cuda>(); }

}  // namespace
}  // namespace avss
