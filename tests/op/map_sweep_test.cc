// The CPU backend's operations on maps and sequences against the definition in double, over many sizes.
#include <gtest/gtest.h>

#include <avss/cpu/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <tests/op/map_sweep.hpp>
#include <tests/support/against_reference.hpp>

namespace avss {
namespace {

// One thread: with two, waiting for each other on a busy machine takes longer than the work.
constexpr auto check = [](const auto& c) { test::check_against_reference<cpu>(c, 1e-5, cpu(1)); };

TEST(AgainstReference, map_norm) { test::sweep_map_norm(check); }
TEST(AgainstReference, conv2d) { test::sweep_conv2d(check); }
TEST(AgainstReference, resize) { test::sweep_resize(check); }
TEST(AgainstReference, fusion) { test::sweep_fusion(check); }
TEST(AgainstReference, sequence) { test::sweep_sequence(check); }
TEST(AgainstReference, recurrent) { test::sweep_recurrent(check); }
TEST(AgainstReference, attention) { test::sweep_attention(check); }
TEST(AgainstReference, spectrum) { test::sweep_spectrum(check); }

}  // namespace
}  // namespace avss
