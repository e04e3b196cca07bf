// For tests on a device: they are skipped, each with the reason, where there is none. Seen by nvcc only.
#pragma once

#include <gtest/gtest.h>

#include <avss/cuda/device.cuh>
#include <string>

namespace avss::test {

class device : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda_problem(); !problem.empty()) GTEST_SKIP() << problem;
  }
};

}  // namespace avss::test
