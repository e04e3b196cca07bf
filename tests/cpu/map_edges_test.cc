// The CPU backend's operations on maps and sequences against the definition in double, at the edges of its blocks.
#include <gtest/gtest.h>

#include <avss/cpu/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <tests/cpu/map_edges.hpp>
#include <tests/support/against_reference.hpp>

namespace avss {
namespace {

// One thread: with two, waiting for each other on a busy machine takes longer than the work.
constexpr auto check = [](const auto& c) { test::check_against_reference<cpu>(c, 1e-5, cpu(1)); };

TEST(MapEdges, map_norm) { test::sweep_map_norm(check); }
TEST(MapEdges, conv2d) { test::sweep_conv2d(check); }
TEST(MapEdges, resize) { test::sweep_resize(check); }
TEST(MapEdges, fusion) { test::sweep_fusion(check); }
TEST(MapEdges, sequence) { test::sweep_sequence(check); }
TEST(MapEdges, recurrent) { test::sweep_recurrent(check); }
TEST(MapEdges, attention) { test::sweep_attention(check); }
TEST(MapEdges, spectrum) { test::sweep_spectrum(check); }

}  // namespace
}  // namespace avss
