// The CPU backend's operations on maps and sequences give the same bits with any number of threads.
#include <gtest/gtest.h>

#include <avss/cpu/rtfsnet.hpp>
#include <cstring>
#include <string>
#include <tests/cpu/map_edges.hpp>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Workspaces too: nothing is left to chance.
template <class Case>
void expect_equal_bits(const Case& c) {
  const std::vector<test::array_spec> arrays = c.arrays();
  test::op_run<cpu> one(arrays, cpu(1)), three(arrays, cpu(3));
  for (test::op_run<cpu>* run : {&one, &three}) {
    c.forward(*run);
    c.backward(*run);
  }
  for (const test::array_spec& a : arrays) {
    EXPECT_TRUE(same_bits(one.values(a.name), three.values(a.name))) << a.name;
    if (!one.gradient(a.name)) continue;
    EXPECT_TRUE(same_bits(one.gradients(a.name), three.gradients(a.name))) << "gradient of " << a.name;
  }
}

// Every eleventh case: that meets every operation.
TEST(Threads, bits_do_not_depend_on_their_number) {
  int i = 0;
  test::sweep_maps_and_sequences([&](const auto& c) {
    if (i++ % 11 == 0) expect_equal_bits(c);
  });
  EXPECT_GT(i, 1000);
  expect_equal_bits(test::map_norm_case{{2, 6, 90, 33}, {norm_over::item, curve::prelu, curve::prelu}});
  expect_equal_bits(test::map_norm_case{{2, 6, 90, 33}, {norm_over::position}});
  expect_equal_bits(test::conv2d_case{{1, 6, 90, 33}, 5, {3, 3, 1, 1, 1, 1, 90, 33}});
  expect_equal_bits(test::depthwise2d_case{{1, 6, 130, 33}, {4, 4, 1, 1, 1, 1, 130, 33}});
  expect_equal_bits(test::window_linear_case{{20, 100, 16, 8, 24}, true});
  expect_equal_bits(test::sru_case{{20, 100, 16, 4}});
  expect_equal_bits(test::lstm_case{{20, 200, 16, 32, false}});
  expect_equal_bits(test::attention_case{2, 2, 150, 16, 16, true, 0.1});
}

}  // namespace
}  // namespace avss
