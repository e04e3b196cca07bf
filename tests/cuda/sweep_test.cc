// The device's kernels, run by the emulator, against the definition in double, over many sizes.
#include <gtest/gtest.h>

#include <avss/cuda/act_norm.cuh>
#include <avss/cuda/copy.cuh>
#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/distance_loss.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/pointwise.cuh>
#include <avss/reference/copy.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <tests/op/distance_sweep.hpp>
#include <tests/op/sweep.hpp>

namespace avss {
namespace {

TEST(emulated_cuda, act_norm) { test::check_act_norm<emulated_cuda>(1e-5); }
TEST(emulated_cuda, pointwise) { test::check_pointwise<emulated_cuda>(5e-5); }
TEST(emulated_cuda, depthwise) { test::check_depthwise<emulated_cuda>(1.5e-4); }
TEST(emulated_cuda, filterbank) { test::check_filterbank<emulated_cuda>(5e-5); }
TEST(emulated_cuda, copy) { test::check_copy<emulated_cuda>(1e-7); }
TEST(emulated_cuda, distances) { test::check_distances<emulated_cuda>(1e-6); }
TEST(emulated_cuda, permuting) { test::check_permuting<emulated_cuda>(); }

}  // namespace
}  // namespace avss
