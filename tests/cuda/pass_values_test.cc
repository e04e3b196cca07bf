// Indices of 32 bits where they have room, of 64 elsewhere.
#include <gtest/gtest.h>

#include <avss/cuda/passes.cuh>
#include <vector>

namespace avss {
namespace {

constexpr dim_t edge = dim_t{1} << 31;

// Counts what it is called for, and how wide the index is.
struct visit {
  dim_t first;
  int *seen, *bytes;
  template <class I>
  void operator()(I i) const {
    ++seen[static_cast<dim_t>(i) - first];
    *bytes = static_cast<int>(sizeof i);
  }
};

void expect_visits(dim_t first, dim_t n, int bytes_expected) {
  SCOPED_TRACE(first);
  std::vector<int> seen(static_cast<std::size_t>(n));
  int bytes = 0;
  cuda_kernel::pass_values(emulated_cuda(), "visit", first, n, visit{first, seen.data(), &bytes});
  EXPECT_EQ(seen, std::vector<int>(seen.size(), 1));
  EXPECT_EQ(bytes, bytes_expected);
}

TEST(pass_values, sees_every_index_once) {
  for (const dim_t n : {1, 255, 256, 257, 1000}) {
    expect_visits(0, n, 4);
    expect_visits(17, n, 4);
  }
}

TEST(pass_values, is_wide_where_32_bits_have_no_room) {
  expect_visits(edge - 1 - 256 - 300, 300, 4);
  expect_visits(edge - 256 - 300, 300, 8);
  expect_visits(edge - 150, 300, 8);
  expect_visits(3 * edge, 300, 8);
}

TEST(pass_values, does_nothing_of_nothing) {
  std::vector<int> seen(1);
  int bytes = 0;
  cuda_kernel::pass_values(emulated_cuda(), "visit", 0, 0, visit{0, seen.data(), &bytes});
  EXPECT_EQ(bytes, 0);
}

}  // namespace
}  // namespace avss
