// What a device can do at most, as it is measured: large products by cuBLASLt, and copies.
#include <cublasLt.h>

#include <avss/core/error.hpp>
#include <avss/cuda/device.cuh>
#include <avss/cuda/device_memory.cuh>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "benchmarks/cuda/timed.hpp"

namespace avss::bench {
namespace {

using cuda_kernel::detail::layout;
using cuda_kernel::detail::operation;
using cuda_kernel::detail::preference;

// Numbers that look random, for a product of equal ones draws less power and is faster. 16 bits: the upper half of a float.
template <class Word>
__global__ void fill(Word* to, std::size_t n) {
  for (std::size_t i = blockIdx.x * std::size_t{256} + threadIdx.x; i < n; i += std::size_t{256} * gridDim.x) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761u + 12345u;
    x ^= x >> 15, x *= 2246822519u, x ^= x >> 13;
    const std::uint32_t bits = __float_as_uint(static_cast<float>(x >> 8) * (2.f / 16777216.f) - 1.f);
    to[i] = static_cast<Word>(bits >> (32 - 8 * sizeof(Word)));
  }
}

// TFLOP/s of [n, n] = [n, n] [n, n].
template <class Word>
double product_peak(const cuda& on, int n, cudaDataType_t type, cublasComputeType_t how, const char* what) {
  const std::size_t values = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  const device_buffer<Word> a(values), b(values), to(values);
  for (const device_buffer<Word>* x : {&a, &b}) fill<<<1024, 256, 0, on.stream()>>>(x->data(), values);
  cuda_check(cudaGetLastError(), "numbers for ", what);
  layout square;
  operation multiply;
  preference want;
  const auto side = static_cast<std::uint64_t>(n);
  cuda_check(cublasLtMatrixLayoutCreate(&square.handle, type, side, side, n), what);
  cuda_check(cublasLtMatmulDescCreate(&multiply.handle, how, CUDA_R_32F), what);
  cuda_check(cublasLtMatmulPreferenceCreate(&want.handle), what);
  const std::size_t workspace = cuda::usable_workspace;
  cuda_check(
      cublasLtMatmulPreferenceSetAttribute(want.handle, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace),
      what);
  const device_buffer<char> scratch(workspace);
  // Not always is the first that is proposed the fastest.
  cublasLtMatmulHeuristicResult_t proposed[8];
  int found = 0;
  cuda_check(cublasLtMatmulAlgoGetHeuristic(on.products(), multiply.handle, square.handle, square.handle, square.handle,
                                            square.handle, want.handle, 8, proposed, &found),
             what);
  if (found == 0) cuda_check(CUBLAS_STATUS_NOT_SUPPORTED, what);
  double best = 0;
  for (int i = 0; i < found; ++i) {
    if (proposed[i].state != CUBLAS_STATUS_SUCCESS) continue;
    timing t;
    try {
      t = timed(0.2, [&] {
        const float one = 1, zero = 0;
        for (int k = 0; k < 4; ++k)
          cuda_check(cublasLtMatmul(on.products(), multiply.handle, &one, a.data(), square.handle, b.data(), square.handle,
                                    &zero, to.data(), square.handle, to.data(), square.handle, &proposed[i].algo,
                                    scratch.data(), workspace, on.stream()),
                     what);
        on.wait();
      });
    } catch (const error&) {  // what is proposed does not always run; the others may
      continue;
    }
    best = std::max(best, 4 * 2e-9 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n) / t.median);
  }
  return best;
}

// GB/s, bytes read and written together.
double copies(const cuda& on, std::size_t bytes) {
  const device_buffer<char> from(bytes), to(bytes);
  const timing t = timed(0.3, [&] {
    for (int k = 0; k < 4; ++k)
      cuda_check(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, on.stream()), "a copy");
    on.wait();
  });
  return 4 * 2e-6 * static_cast<double>(bytes) / t.median;
}

}  // namespace

floors measured_floors(bool tiny) {
  const cuda on;
  const int n = tiny ? 512 : 8192;
  floors f;
  f.float32 = product_peak<float>(on, n, CUDA_R_32F, CUBLAS_COMPUTE_32F, "a product in float32");
  f.tf32 = product_peak<float>(on, n, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32, "a product through TF32");
  f.bfloat16 = product_peak<std::uint16_t>(on, n, CUDA_R_16BF, CUBLAS_COMPUTE_32F, "a product in bfloat16");
  f.bandwidth = copies(on, std::size_t{1} << (tiny ? 24 : 31));
  return f;
}

}  // namespace avss::bench
