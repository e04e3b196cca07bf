// The CUDA backend and how a kernel is launched on it. Element type float.
//
// nvcc sees `cuda`; every other compiler sees `emulated_cuda`, which runs the same kernels on the host, to test them.
// `cuda_backend` is whichever this compilation has; the operations are written for it.
#pragma once

#include <avss/core/arena.hpp>
#include <avss/core/carver.hpp>
#include <avss/core/error.hpp>
#include <avss/cuda/precision.hpp>
#include <avss/cuda/simt.cuh>
#include <avss/dist/device_group.hpp>
#include <cstddef>

#if defined(__CUDACC__)
#include <avss/cuda/device.cuh>
#else
#include <avss/cuda/emulated_graph.hpp>
#endif

namespace avss {

#if defined(__CUDACC__)

using cuda_backend = cuda;

namespace cuda_kernel {

template <class K>
__global__ void __launch_bounds__(K::threads) entry(const K kernel) {
  kernel(simt::thread{});
}

// Shared memory that a block has without being asked for.
inline constexpr std::size_t usual_shared = std::size_t{48} << 10;

template <class K>
void launch(const cuda& backend, const char* name, const K& kernel, dim_t blocks, std::size_t shared_bytes = 0) {
  if (blocks == 0) return;
  const auto problem = [&](cudaError_t e) {
    cuda_check(e, "kernel ", name, ": ", blocks, " blocks of ", K::threads, " threads, ", shared_bytes,
               " bytes of shared memory");
  };
  if (blocks > 0x7FFFFFFF) problem(cudaErrorInvalidConfiguration);
  if (shared_bytes > usual_shared)
    problem(cudaFuncSetAttribute(entry<K>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)));
  entry<K><<<static_cast<unsigned>(blocks), K::threads, shared_bytes, backend.stream()>>>(kernel);
  problem(cudaGetLastError());
}

}  // namespace cuda_kernel

#else

// Results and scratch memory are those of `cuda`, but for the matrix products, which are made by plain loops.
class emulated_cuda : public shares_batch<emulated_cuda> {
 public:
  using value_type = float;
  static constexpr std::size_t product_workspace = 0;

  emulated_cuda() = default;
  explicit emulated_cuda(product_precision precision) : precision_(precision) {}
  product_precision precision() const { return precision_; }
  // A launch counts its blocks elsewhere; few, so that tests have more groups than counters.
  static constexpr dim_t block_counters = 256;
  unsigned* counters() const { return nullptr; }

 private:
  product_precision precision_ = product_precision::float32;
};

using cuda_backend = emulated_cuda;

namespace cuda_kernel {

template <class K>
void launch(const emulated_cuda&, const char* name, const K& kernel, dim_t blocks, std::size_t shared_bytes = 0) {
  emulated::submit([=] { emulated::run(name, kernel, blocks, shared_bytes); });
}

}  // namespace cuda_kernel

#endif

namespace cuda_kernel {

inline constexpr dim_t blocks_for(dim_t n, dim_t per_block) { return (n + per_block - 1) / per_block; }

}  // namespace cuda_kernel
}  // namespace avss
