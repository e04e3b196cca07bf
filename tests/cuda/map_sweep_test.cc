// The device's kernels for maps and sequences, run by the emulator, against the definition in double, over many sizes.
#include <gtest/gtest.h>

#include <avss/cuda/rtfsnet.cuh>
#include <avss/reference/rtfsnet.hpp>
#include <tests/op/map_sweep.hpp>

namespace avss {
namespace {

TEST(emulated_cuda, map_norm) { test::check_map_norm<emulated_cuda>(); }
TEST(emulated_cuda, spectrum) { test::check_spectrum<emulated_cuda>(); }
TEST(emulated_cuda, conv2d) { test::check_conv2d<emulated_cuda>(); }
TEST(emulated_cuda, resize) { test::check_resize<emulated_cuda>(); }
TEST(emulated_cuda, recurrent) { test::check_recurrent<emulated_cuda>(); }
TEST(emulated_cuda, sequence) { test::check_sequence<emulated_cuda>(); }
TEST(emulated_cuda, attention) { test::check_attention<emulated_cuda>(); }
TEST(emulated_cuda, fusion) { test::check_fusion<emulated_cuda>(); }

}  // namespace
}  // namespace avss
