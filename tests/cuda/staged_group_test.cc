// Sums over workers of values in the emulator's device memory: by way of the host, and as linked devices make them.
#include <gtest/gtest.h>

#include <avss/core/error.hpp>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/rank_sums.cuh>
#include <avss/cuda/staged_group.cuh>
#include <avss/dist/thread_group.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace avss {
namespace {

// Values that another order of the ranks, or sums in float, would make another sum of.
template <class T>
std::vector<T> values_of(int rank, std::size_t n) {
  std::vector<T> v(n);
  for (std::size_t i = 0; i < n; ++i)
    v[i] = static_cast<T>(std::sin(static_cast<double>(i + 1) * (rank + 1)) * (rank == static_cast<int>(i % 3) ? 1e8 : 1));
  return v;
}

template <class T>
std::vector<T> sums_of(int size, std::size_t n) {
  std::vector<T> parts, sums(n);
  for (int r = 0; r < size; ++r) {
    const std::vector<T> v = values_of<T>(r, n);
    parts.insert(parts.end(), v.begin(), v.end());
  }
  detail::sum_ranks(parts.data(), n, size, std::span<T>(sums));
  return sums;
}

// sum(on, group, values on the device)
template <class T, class Sum>
void expect_sums(int size, std::size_t n, Sum&& sum) {
  const std::vector<T> expected = sums_of<T>(size, n);
  thread_group::run(size, [&](worker_group& g) {
    const emulated_cuda on;
    const device_buffer<T> there(on, values_of<T>(g.rank(), n));
    sum(on, g, there.span());
    std::vector<T> back(n);
    there.download(on, back);
    EXPECT_EQ(back, expected) << n << " values, rank " << g.rank() << " of " << size;
  });
}

template <class T>
void expect_staged(std::size_t n) {
  for (const int size : {1, 2, 4})
    expect_sums<T>(size, n, [](const emulated_cuda& on, worker_group& g, std::span<T> values) {
      staged_group<emulated_cuda> there(g);
      there.sum(on, values);
    });
}

TEST(StagedGroup, sums_in_the_order_of_the_ranks) {
  for (const std::size_t n : {0u, 1u, 5u, 3000u}) expect_staged<float>(n), expect_staged<double>(n);
}

TEST(StagedGroup, sums_again_with_other_sizes) {
  thread_group::run(3, [](worker_group& g) {
    const emulated_cuda on;
    staged_group<emulated_cuda> there(g);
    EXPECT_EQ(there.rank(), g.rank());
    EXPECT_EQ(there.size(), 3);
    for (const std::size_t n : {10u, 3u, 40u}) {
      const device_buffer<float> ones(on, std::vector<float>(n, 1.f));
      there.sum(on, ones.span());
      std::vector<float> back(n);
      ones.download(on, back);
      EXPECT_EQ(back, std::vector<float>(n, 3.f));
    }
  });
}

TEST(StagedGroup, what_one_throws_ends_all) {
  EXPECT_THROW(thread_group::run(3,
                                 [](worker_group& g) {
                                   const emulated_cuda on;
                                   staged_group<emulated_cuda> there(g);
                                   const device_buffer<float> ones(on, std::vector<float>(4, 1.f));
                                   if (g.rank() == 1) fail("out of memory");
                                   there.sum(on, ones.span());
                                 }),
               error);
}

// Links of devices, as of NCCL, made of sums in which all but one add zeros.
struct emulated_links {
  worker_group& g;
  bool gathered = false, exchanged = false;

  template <class T>
  std::vector<T> all(const emulated_cuda& on, const T* values, std::size_t n) {
    std::vector<T> parts(n * static_cast<std::size_t>(g.size()));
    detail::copy_to_host(on, parts.data() + n * static_cast<std::size_t>(g.rank()), values, n * sizeof(T));
    g.sum(std::span<T>(parts));
    return parts;
  }
  template <class T>
  void gather(const emulated_cuda& on, const T* values, std::size_t n, T* parts) {
    gathered = true;
    const std::vector<T> here = all(on, values, n);
    detail::copy_to_device(on, parts, here.data(), here.size() * sizeof(T));
  }
  template <class T>
  void exchange(const emulated_cuda& on, const T* values, const rank_blocks& b, T* parts) {
    exchanged = true;
    const std::vector<T> here = all(on, values, b.n);
    const std::size_t own = b.count(g.rank());
    for (std::size_t r = 0; r < b.ranks; ++r)
      detail::copy_to_device(on, parts + r * own, here.data() + r * b.n + b.begin(g.rank()), own * sizeof(T));
  }
  template <class T>
  void spread(const emulated_cuda& on, T* values, const rank_blocks& b) {
    const std::vector<T> here = all(on, static_cast<const T*>(values), b.n);
    for (int r = 0; r < g.size(); ++r)
      detail::copy_to_device(on, values + b.begin(r), here.data() + static_cast<std::size_t>(r) * b.n + b.begin(r),
                             b.count(r) * sizeof(T));
  }
};

template <class T>
void expect_linked(int size, std::size_t n) {
  expect_sums<T>(size, n, [&](const emulated_cuda& on, worker_group& g, std::span<T> values) {
    rank_sums sums(6, 10);  // up to 6 values at once, or blocks of up to 10
    emulated_links links{g};
    sums.run(on, links, g.rank(), g.size(), values);
    EXPECT_EQ(links.gathered, n > 0 && n <= 6);
    EXPECT_EQ(links.exchanged, n > 6);
  });
}

TEST(RankSums, are_those_of_the_host_in_blocks_of_any_size) {
  for (const int size : {1, 2, 3, 4})
    for (const std::size_t n : {0u, 1u, 6u, 7u, 9u, 20u, 39u, 40u, 41u, 100u})
      expect_linked<float>(size, n), expect_linked<double>(size, n);
}

TEST(RankSums, grow_with_what_they_are_asked_for) {
  const std::vector<double> values = values_of<double>(0, 4000), expected = sums_of<double>(1, 4000);
  thread_group::run(1, [&](worker_group& g) {
    const emulated_cuda on;
    const device_buffer<double> there(on, values);
    emulated_links links{g};
    rank_sums sums(1, 4000);
    sums.run(on, links, 0, 1, there.span().first(10));
    auto& memory = emulated::device_memory::all();
    memory.limit(memory.total() - memory.free() + 1000);
    EXPECT_THROW(sums.run(on, links, 0, 1, there.span()), out_of_device_memory);
    memory.limit(std::numeric_limits<std::size_t>::max());
    for (const std::size_t n : {4000u, 10u, 3999u}) sums.run(on, links, 0, 1, there.span().first(n));
    std::vector<double> back(values.size());
    there.download(on, back);
    EXPECT_EQ(back, expected);
  });
}

// One rank has nothing to sum.
TEST(RankSums, blocks_may_be_empty) {
  const rank_blocks b{9, 4};
  EXPECT_EQ(b.each(), 3U);
  EXPECT_EQ(b.count(2), 3U);
  EXPECT_EQ(b.begin(3), 9U);
  EXPECT_EQ(b.count(3), 0U);
}

}  // namespace
}  // namespace avss
