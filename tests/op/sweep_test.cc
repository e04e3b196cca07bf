// Backends in float against the definition in double, over many sizes.
#include <gtest/gtest.h>

#include <avss/cpu/copy.hpp>
#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/filterbank.hpp>
#include <avss/cpu/pointwise.hpp>
#include <avss/reference/copy.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <tests/op/sweep.hpp>

namespace avss {
namespace {

template <class Backend>
class AgainstReference : public testing::Test {};
using backends = testing::Types<reference<float>, cpu>;
TYPED_TEST_SUITE(AgainstReference, backends);

// What holds, in float: the reference adds thousands of terms one by one, the CPU backend in double or in blocks.
template <class Backend>
constexpr double limit(double of_cpu) {
  return std::is_same_v<Backend, cpu> ? of_cpu : 2e-4;
}

// One thread: with two, waiting for each other on a busy machine takes longer than the work.
template <class Backend>
Backend backend() {
  if constexpr (std::is_same_v<Backend, cpu>)
    return cpu(1);
  else
    return {};
}

TYPED_TEST(AgainstReference, act_norm) { test::check_act_norm(limit<TypeParam>(1e-5), backend<TypeParam>()); }
TYPED_TEST(AgainstReference, pointwise) { test::check_pointwise(limit<TypeParam>(5e-5), backend<TypeParam>()); }
// Where a norm of few frames nearly cancels, float rounding alone makes 1.5e-4; how products are contracted moves it.
TYPED_TEST(AgainstReference, depthwise) { test::check_depthwise(limit<TypeParam>(1.5e-4), backend<TypeParam>()); }
TYPED_TEST(AgainstReference, filterbank) { test::check_filterbank(limit<TypeParam>(5e-5), backend<TypeParam>()); }
TYPED_TEST(AgainstReference, copy) { test::check_copy(1e-7, backend<TypeParam>()); }

}  // namespace
}  // namespace avss
