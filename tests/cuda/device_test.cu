// A device, its memory and its errors.
#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/cuda/act_norm.cuh>
#include <avss/cuda/copy.cuh>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/to_host.cuh>
#include <tests/cuda/device_fixture.cuh>
#include <vector>

namespace avss {
namespace {

TEST(cuda, plans_without_a_driver) {
  arena plan;
  context<measure<cuda>> ctx({cuda()}, plan, pass::train);
  op::act_norm<float> f;
  f.norm = norm_kind::global;
  ctx.run(op::moments<float>{2, 16, 1000, nullptr, f});
  EXPECT_EQ(plan.peak(), 2u * 16 * 2 * sizeof(double));
}

using test::device;

TEST_F(device, copies_there_and_back) {
  cuda on;
  const std::vector<float> x{1, 2, 3, 4, 5};
  const device_buffer<float> from(on, x), to(x.size());
  execute(on, op::copy<float>{1, 5, 5, 5, from.data(), to.data(), false}, nullptr);
  std::vector<float> y(x.size());
  execute(on, op::to_host<float>{5, to.data(), y.data()}, nullptr);
  EXPECT_EQ(y, x);
}

TEST_F(device, says_what_does_not_fit) {
  try {
    device_arena(std::size_t{1} << 50);
    FAIL();
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("out of device memory: the network's working memory needs"), std::string::npos);
  }
}

}  // namespace
}  // namespace avss
