// The whole of RTFS-Net by the device's kernels, on the emulator.
#include <gtest/gtest.h>

#include <avss/cuda/rtfsnet.cuh>
#include <tests/model/rtfsnet_definition.hpp>
#include <tests/model/rtfsnet_golden.hpp>

namespace avss {
namespace {

using test::expect_definition;
using test::official;
using test::other;

TEST(RtfsNetCuda, official) { expect_definition<official>(emulated_cuda(), {}, 1e-5); }
// As on the CPU: the definition in float is 4e-5 away.
TEST(RtfsNetCuda, official_training) { expect_definition<official>(emulated_cuda(), {.batch_statistics = true}, 5e-5); }
TEST(RtfsNetCuda, official_recomputed) { expect_definition<official>(emulated_cuda(), {.recompute = true}, 1e-5); }
TEST(RtfsNetCuda, other) { expect_definition<other>(emulated_cuda(), {}, 1e-5); }

// As tests/cuda/device_golden_test.cu does on a device.
TEST(RtfsNetCuda, golden) { test::expect_golden_engines<emulated_cuda>(); }

}  // namespace
}  // namespace avss
