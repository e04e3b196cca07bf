// The device's kernels for maps and sequences, run by the emulator, against the definition in double, over many sizes.
#include <gtest/gtest.h>

#include <avss/cuda/conv2d.cuh>
#include <avss/cuda/map_norm.cuh>
#include <avss/reference/rtfsnet.hpp>
#include <tests/op/map_sweep.hpp>

namespace avss {
namespace {

TEST(emulated_cuda, map_norm) { test::check_map_norm<emulated_cuda>(); }
TEST(emulated_cuda, conv2d) { test::check_conv2d<emulated_cuda>(); }

}  // namespace
}  // namespace avss
