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

// Sums of thousands of terms in float.
constexpr double limit = 2e-4;

// One thread: with two, waiting for each other on a busy machine takes longer than the work.
template <class Backend>
Backend backend() {
  if constexpr (std::is_same_v<Backend, cpu>)
    return cpu(1);
  else
    return {};
}

TYPED_TEST(AgainstReference, act_norm) { test::check_act_norm(limit, backend<TypeParam>()); }
TYPED_TEST(AgainstReference, pointwise) { test::check_pointwise(limit, backend<TypeParam>()); }
TYPED_TEST(AgainstReference, depthwise) { test::check_depthwise(limit, backend<TypeParam>()); }
TYPED_TEST(AgainstReference, filterbank) { test::check_filterbank(limit, backend<TypeParam>()); }
TYPED_TEST(AgainstReference, copy) { test::check_copy(1e-7, backend<TypeParam>()); }

}  // namespace
}  // namespace avss
