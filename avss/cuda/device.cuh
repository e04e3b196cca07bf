// A device and its stream. Seen by nvcc only.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/cuda/cublas_plan.cuh>
#include <avss/cuda/precision.hpp>
#include <avss/dist/device_group.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace avss {

// Throws one line if a call failed: what was done, with its sizes, and what CUDA says; out_of_memory where that is the reason.
template <class... What>
void cuda_check(cudaError_t e, const What&... what) {
  if (e == cudaSuccess) return;
  (void)cudaGetLastError();  // or the next launch would find it
  const std::string said = joined(what..., ": ", cudaGetErrorName(e), " (", cudaGetErrorString(e), ")");
  if (e == cudaErrorMemoryAllocation) throw out_of_memory(said);
  throw error(said);
}
template <class... What>
void cuda_check(cublasStatus_t s, const What&... what) {
  if (s == CUBLAS_STATUS_SUCCESS) return;
  const std::string said = joined(what..., ": ", cublasLtGetStatusName(s), " (", cublasLtGetStatusString(s), ")");
  if (s == CUBLAS_STATUS_ALLOC_FAILED) throw out_of_memory(said);
  throw error(said);
}

namespace cuda_kernel {

// Does nothing; there is code of it for each device that there is code of the others for.
template <class = void>
__global__ void probe() {}

}  // namespace cuda_kernel

// Why no kernel can run here, or an empty text: there is a device, it can be used, and what was compiled runs on it.
inline std::string cuda_problem() {
  const auto said = [](const char* what, cudaError_t e) {
    (void)cudaGetLastError();
    return joined(what, ": ", cudaGetErrorName(e), " (", cudaGetErrorString(e), ")");
  };
  int n = 0, driver = 0;
  if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0) return "there is no CUDA driver";
  if (const cudaError_t e = cudaGetDeviceCount(&n); e != cudaSuccess) return said("there is no CUDA device", e);
  if (n == 0) return "there is no CUDA device: the driver reports none";
  cudaFuncAttributes code;
  if (const cudaError_t e = cudaFuncGetAttributes(&code, cuda_kernel::probe<>); e != cudaSuccess)
    return said("the CUDA device cannot run what was compiled, see --//:cuda_archs", e);
  return "";
}

// One device and one stream, on which all that it executes runs in order. Copies share the stream. Nothing is asked of the
// driver before the first operation, so that `measure<cuda>` plans where there is none.
class cuda : public shares_batch<cuda> {
 public:
  using value_type = float;
  // The most that one matrix product may use, whatever its size and the device (what cuBLAS advises for Hopper); and what
  // operations set aside for it, since it has to begin at a multiple of `workspace_alignment` bytes.
  static constexpr std::size_t usable_workspace = std::size_t{32} << 20, workspace_alignment = 256;
  static constexpr std::size_t product_workspace = usable_workspace + workspace_alignment;

  cuda() = default;
  explicit cuda(product_precision precision) : precision_(precision) {}
  // That of a network's products.
  product_precision precision() const { return precision_; }

  cudaStream_t stream() const { return made().stream; }
  cublasLtHandle_t products() const { return made().products; }
  // Zeros, between two launches; for thread::last_of.
  static constexpr dim_t block_counters = 8192;
  unsigned* counters() const { return made().counters; }
  // Of the products that were made so far.
  cuda_kernel::cublas_plans& plans() const { return made().plans; }

  // Until all that was executed has ended; tells what went wrong in it, and where another worker has failed.
  void wait() const {
    if (group) group->watch(*this, idle);
    cuda_check(cudaStreamSynchronize(stream()), "work on the device");
  }
  // Before a call that may wait for the stream itself, and cannot notice the failure of another worker.
  void ready_to_block() const {
    if (group) wait();
  }

 private:
  static bool idle(const cuda& on) {
    if (cudaStreamQuery(on.stream()) != cudaErrorNotReady) return true;
    (void)cudaGetLastError();  // it is none
    return false;
  }
  struct resources {
    resources() = default;
    void make() {
      cuda_check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a stream on the device");
      cuda_check(cublasLtCreate(&products), "cuBLASLt");
      cuda_check(cudaMalloc(&counters, block_counters * sizeof(unsigned)), "counters on the device");
      cuda_check(cudaMemsetAsync(counters, 0, block_counters * sizeof(unsigned), stream), "counters on the device");
    }
    resources(const resources&) = delete;
    resources& operator=(const resources&) = delete;
    ~resources() {
      if (counters) (void)cudaFree(counters);
      if (products) (void)cublasLtDestroy(products);
      if (stream) (void)cudaStreamDestroy(stream);
    }
    cudaStream_t stream = nullptr;
    cublasLtHandle_t products = nullptr;
    unsigned* counters = nullptr;
    mutable cuda_kernel::cublas_plans plans{cuda_kernel::most_cublas_plans};
  };
  struct lazily {
    std::unique_ptr<resources> made;
  };
  const resources& made() const {
    if (!lazily_->made) {
      auto some = std::make_unique<resources>();
      some->make();  // what there is of them goes again where one cannot be had
      lazily_->made = std::move(some);
    }
    return *lazily_->made;
  }
  std::shared_ptr<lazily> lazily_ = std::make_shared<lazily>();
  product_precision precision_ = product_precision::float32;
};

}  // namespace avss
