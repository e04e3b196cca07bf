// What sweep_test.cc tests on the emulator, on a device.
#include <gtest/gtest.h>

#include <avss/cuda/act_norm.cuh>
#include <avss/cuda/copy.cuh>
#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/pointwise.cuh>
#include <avss/reference/copy.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <tests/cuda/device_fixture.cuh>
#include <tests/cuda/managed_memory.cuh>
#include <tests/op/sweep.hpp>

namespace avss {
namespace {

using test::device;

TEST_F(device, act_norm) { test::check_act_norm<cuda>(1e-5); }
TEST_F(device, pointwise) { test::check_pointwise<cuda>(5e-5); }
TEST_F(device, depthwise) { test::check_depthwise<cuda>(1.5e-4); }
TEST_F(device, filterbank) { test::check_filterbank<cuda>(5e-5); }
TEST_F(device, copy) { test::check_copy<cuda>(1e-7); }

}  // namespace
}  // namespace avss
