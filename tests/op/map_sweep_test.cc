// Backends in float against the definition in double, over many sizes of maps and sequences.
#include <gtest/gtest.h>

#include <avss/cpu/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <tests/op/map_sweep.hpp>

namespace avss {
namespace {

template <class Backend>
class MapsAgainstReference : public testing::Test {};
using backends = testing::Types<reference<float>, cpu>;
TYPED_TEST_SUITE(MapsAgainstReference, backends);

TYPED_TEST(MapsAgainstReference, map_norm) { test::check_map_norm<TypeParam>(); }
TYPED_TEST(MapsAgainstReference, spectrum) { test::check_spectrum<TypeParam>(); }
TYPED_TEST(MapsAgainstReference, conv2d) { test::check_conv2d<TypeParam>(); }
TYPED_TEST(MapsAgainstReference, resize) { test::check_resize<TypeParam>(); }
TYPED_TEST(MapsAgainstReference, fusion) { test::check_fusion<TypeParam>(); }
TYPED_TEST(MapsAgainstReference, sequence) { test::check_sequence<TypeParam>(); }
TYPED_TEST(MapsAgainstReference, recurrent) { test::check_recurrent<TypeParam>(); }
TYPED_TEST(MapsAgainstReference, attention) { test::check_attention<TypeParam>(); }

}  // namespace
}  // namespace avss
