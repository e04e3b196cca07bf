// All three networks on a device, forward and backward, from host memory to host memory, each step run, captured and replayed,
// against independent implementations.
#include <gtest/gtest.h>

#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/lipreading.cuh>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <tests/cuda/device_fixture.cuh>
#include <tests/model/convtasnet_golden.hpp>
#include <tests/model/lip_golden.hpp>
#include <tests/model/rtfsnet_golden.hpp>

namespace avss::test {
namespace {

class device_golden : public device {};

// As the emulator's share of convtasnet_golden_test.
TEST_F(device_golden, convtasnet) { expect_golden_engines<cuda, reference<double>>(2); }
TEST_F(device_golden, rtfsnet) { expect_golden_engines<cuda>(); }
TEST_F(device_golden, lip_encoder) { expect_all_golden_features<cuda>(); }
TEST_F(device_golden, lip_encoder_steps) { expect_all_golden_lip_steps<cuda>(); }

}  // namespace
}  // namespace avss::test
