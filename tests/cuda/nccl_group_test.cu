// Workers linked by NCCL. One device makes a group of one: its sums go through NCCL all the same.
#include <gtest/gtest.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/map_norm.cuh>
#include <avss/cuda/nccl_group.cuh>
#include <avss/cuda/staged_group.cuh>
#include <avss/dist/file_meeting.hpp>
#include <avss/dist/meeting.hpp>
#include <avss/dist/thread_group.hpp>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <tests/cuda/device_fixture.cuh>
#include <thread>
#include <utility>
#include <vector>

namespace avss {
namespace {

using test::device;

template <class T>
std::vector<T> some(std::size_t n, int rank = 0) {
  std::vector<T> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<T>(std::sin(0.1 * static_cast<double>(i + 1) * (rank + 1)));
  return v;
}

std::unique_ptr<meeting> by_file() {
  return std::make_unique<file_meeting>(joined(testing::TempDir(), "/nccl_group_test.", static_cast<long>(::getpid())), 0, 1,
                                        std::chrono::seconds(60));
}

// On the device and from the host: a few values, several blocks, a last one that is not full.
template <class T>
void expect_sums(nccl_group& g) {
  cuda on;
  on.group = &g;
  for (const std::size_t n : {1u, 1024u, 1025u, (1u << 20) + 7u}) {
    std::vector<T> parts, expected(n), back(n);
    for (int r = 0; r < g.size(); ++r) {
      const std::vector<T> v = some<T>(n, r);
      parts.insert(parts.end(), v.begin(), v.end());
    }
    detail::sum_ranks(parts.data(), n, g.size(), std::span<T>(expected));
    const device_buffer<T> there(on, some<T>(n, g.rank()));
    g.sum(on, there.span());
    there.download(on, back);
    EXPECT_EQ(back, expected) << n;
    back = some<T>(n, g.rank());
    g.sum(std::span<T>(back));
    EXPECT_EQ(back, expected) << n << " of the host";
  }
}

void expect_group(nccl_group& g, int rank, int size) {
  EXPECT_EQ(g.rank(), rank);
  EXPECT_EQ(g.size(), size);
  expect_sums<float>(g);
  expect_sums<double>(g);
  g.barrier();
  EXPECT_EQ(g.sum_of(2), 2 * size);
  EXPECT_TRUE(g.any(rank == 0));
}

TEST_F(device, sums_by_nccl_met_by_a_file) {
  nccl_group g(by_file());
  expect_group(g, 0, 1);
}

TEST_F(device, sums_by_nccl_met_by_a_group) {
  worker_group alone;
  nccl_group g(std::make_unique<group_meeting>(alone));
  expect_group(g, 0, 1);
}

// As many workers as there are devices, a thread each.
TEST_F(device, sums_by_nccl_over_all_devices) {
  int n = 0;
  ASSERT_EQ(cudaGetDeviceCount(&n), cudaSuccess);
  if (n < 2) GTEST_SKIP() << "there is one CUDA device: nothing is linked";
  thread_group::run(n, [](worker_group& threads) {
    nccl_group g(std::make_unique<group_meeting>(threads));
    expect_group(g, threads.rank(), threads.size());
  });
}

// Sums on several streams are made in their order.
TEST_F(device, sums_by_nccl_on_two_streams) {
  nccl_group g(by_file());
  cuda one, two;
  one.group = two.group = &g;
  const std::vector<float> x = some<float>(5000);
  const device_buffer<float> a(one, x), b(two, x);
  for (int i = 0; i < 10; ++i) g.sum(one, a.span()), g.sum(two, b.span());
  std::vector<float> back(x.size());
  a.download(one, back);
  EXPECT_EQ(back, x);
  b.download(two, back);
  EXPECT_EQ(back, x);
}

// BatchNorm by a group of one is BatchNorm.
TEST_F(device, normalises_by_nccl) {
  constexpr dim_t C = 5;
  const op::map_size n{3, C, 7, 11};
  const auto moments = [&](const cuda& given) {
    cuda on = given;
    const device_buffer<float> x(on, some<float>(static_cast<std::size_t>(n.size()))), mean(C), rstd(C);
    const op::map_norm<float> f{norm_over::channel, 1e-5, nullptr, nullptr, mean.data(), rstd.data(), false, {}, {}};
    const op::map_moments<float> o{n, x.data(), f};
    const device_buffer<double> scratch(scratch_bytes(on, o) / sizeof(double) + 1);
    execute(on, o, scratch.data());
    std::vector<float> both(C), scale(C);
    mean.download(on, both);
    rstd.download(on, scale);
    both.insert(both.end(), scale.begin(), scale.end());
    return both;
  };
  cuda alone, linked;
  nccl_group g(by_file());
  linked.group = &g;
  const std::vector<float> expected = moments(alone), ours = moments(linked);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(ours[i], expected[i], 1e-6 * std::abs(expected[i]));
  // And by way of the host.
  worker_group one;
  staged_group<cuda> staged(one);
  linked.group = &staged;
  EXPECT_EQ(moments(linked), ours);
}

// What a worker that waits does where another ends: the file of a worker that is not there has no lock.
struct broken_meeting final : meeting {
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void share(std::span<std::byte>) override {}
  int local_rank() const override { return 0; }
  std::string missing() override { return gone ? "the worker of rank 1 has ended" : ""; }
  bool gone = false;
};

// A stream that does not end while `*go` is zero, as one that waits for a worker that has died.
__global__ void wait_until(const volatile int* go) {
  while (*go == 0) {
  }
}

TEST_F(device, notices_that_another_worker_has_ended) {
  auto with = std::make_unique<broken_meeting>();
  broken_meeting& others = *with;
  nccl_group g(std::move(with));
  cuda on;
  on.group = &g;
  int* go = nullptr;
  ASSERT_EQ(cudaHostAlloc(&go, sizeof(int), cudaHostAllocMapped), cudaSuccess);
  *go = 0;
  int* there = nullptr;
  ASSERT_EQ(cudaHostGetDevicePointer(&there, go, 0), cudaSuccess);
  wait_until<<<1, 1, 0, on.stream()>>>(there);
  others.gone = true;
  std::string said;
  // NCCL waits for what is queued when it gives up: let it end a little later.
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::seconds(4));
    *static_cast<volatile int*>(go) = 1;
  });
  try {
    on.wait();
  } catch (const error& e) {
    said = e.what();
  }
  later.join();
  EXPECT_EQ(said, "NCCL cannot sum over the workers, rank 0 of 1: the worker of rank 1 has ended");
  double x = 1;
  EXPECT_THROW(g.sum(std::span<double>(&x, 1)), error) << "and goes on saying it";
  (void)cudaStreamSynchronize(on.stream());
  (void)cudaFreeHost(go);
}

}  // namespace
}  // namespace avss
