// The sweep over sizes: the CPU backend, and the reference backend in float.
#include <gtest/gtest.h>

#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/filterbank.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <tests/op/sweep.hpp>

namespace avss {
namespace {

template <class Backend>
class AgainstReference : public testing::Test {};
// Plain sums of thousands of terms in float.
constexpr double limit = 2e-4;
using backends = testing::Types<reference<float>, cpu>;
TYPED_TEST_SUITE(AgainstReference, backends);

TYPED_TEST(AgainstReference, act_norm) { test::check_act_norm<TypeParam>(limit); }
TYPED_TEST(AgainstReference, pointwise) { test::check_pointwise<TypeParam>(limit); }
TYPED_TEST(AgainstReference, depthwise) { test::check_depthwise<TypeParam>(limit); }
TYPED_TEST(AgainstReference, filterbank) { test::check_filterbank<TypeParam>(limit); }

}  // namespace
}  // namespace avss
