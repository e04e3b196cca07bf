// A device, its stream and its memory. Seen by nvcc only.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <avss/core/arena.hpp>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/cuda/cublas_plan.cuh>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace avss {

// Throws one line if a call failed: what was done, with its sizes, and what CUDA says.
template <class... What>
void cuda_check(cudaError_t e, const What&... what) {
  if (e != cudaSuccess) fail(what..., ": ", cudaGetErrorName(e), " (", cudaGetErrorString(e), ")");
}
template <class... What>
void cuda_check(cublasStatus_t s, const What&... what) {
  if (s != CUBLAS_STATUS_SUCCESS) fail(what..., ": ", cublasLtGetStatusName(s), " (", cublasLtGetStatusString(s), ")");
}

// Why no kernel can run here, or an empty text.
inline std::string cuda_problem() {
  int n = 0;
  if (const cudaError_t e = cudaGetDeviceCount(&n); e != cudaSuccess)
    return joined("there is no CUDA device: ", cudaGetErrorName(e), " (", cudaGetErrorString(e), ")");
  return n > 0 ? "" : "there is no CUDA device: the driver reports none";
}

// One device and one stream, on which all that it executes runs in order. Copies share the stream. Nothing is asked of the
// driver before the first operation, so that `measure<cuda>` plans where there is none.
class cuda {
 public:
  using value_type = float;
  // The most that one matrix product may use, whatever its size and the device (what cuBLAS advises for Hopper).
  static constexpr std::size_t product_workspace = std::size_t{32} << 20;

  cudaStream_t stream() const { return made().stream; }
  cublasLtHandle_t products() const { return made().products; }
  // Of the products that were made so far.
  cuda_kernel::cublas_plans& plans() const { return made().plans; }

  // Until all that was executed has ended; tells what went wrong in it.
  void wait() const { cuda_check(cudaStreamSynchronize(stream()), "work on the device"); }

 private:
  struct resources {
    resources() {
      cuda_check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a stream on the device");
      cuda_check(cublasLtCreate(&products), "cuBLASLt");
    }
    resources(const resources&) = delete;
    resources& operator=(const resources&) = delete;
    ~resources() {
      if (products) (void)cublasLtDestroy(products);
      if (stream) (void)cudaStreamDestroy(stream);
    }
    cudaStream_t stream = nullptr;
    cublasLtHandle_t products = nullptr;
    mutable cuda_kernel::cublas_plans plans{cuda_kernel::most_cublas_plans};
  };
  struct lazily {
    std::unique_ptr<resources> made;
  };
  const resources& made() const {
    if (!lazily_->made) lazily_->made = std::make_unique<resources>();
    return *lazily_->made;
  }
  std::shared_ptr<lazily> lazily_ = std::make_shared<lazily>();
};

namespace detail {

inline void* device_bytes(std::size_t bytes, const char* what) {
  void* base = nullptr;
  const cudaError_t e = cudaMalloc(&base, bytes);
  if (e == cudaErrorMemoryAllocation) {
    std::size_t free = 0, total = 0;
    (void)cudaGetLastError();
    (void)cudaMemGetInfo(&free, &total);
    fail("out of device memory: ", what, " needs ", bytes, " bytes, ", free, " of ", total,
         " are free; use a shorter window or a smaller batch");
  }
  cuda_check(e, what, ": ", bytes, " bytes of device memory");
  return base;
}
inline void free_device(void* base) { (void)cudaFree(base); }

}  // namespace detail

// A two-ended arena on the device.
inline arena device_arena(std::size_t bytes) {
  const std::size_t whole = (bytes + arena::alignment) / arena::alignment * arena::alignment;
  return arena(detail::device_bytes(whole, "the network's working memory"), whole, detail::free_device);
}

// An array on the device.
template <class T>
class device_buffer {
 public:
  device_buffer() = default;
  explicit device_buffer(std::size_t n)
      : data_(n ? static_cast<T*>(detail::device_bytes(n * sizeof(T), "an array")) : nullptr), size_(n) {}
  device_buffer(const cuda& on, std::span<const T> values) : device_buffer(values.size()) { upload(on, values); }

  T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::span<T> span() const { return {data_.get(), size_}; }

  // The host's array may change or go when these return.
  void upload(const cuda& on, std::span<const T> from) const {
    expect(from.size());
    copy(on, data_.get(), from.data(), cudaMemcpyHostToDevice);
  }
  void download(const cuda& on, std::span<T> to) const {
    expect(to.size());
    copy(on, to.data(), data_.get(), cudaMemcpyDeviceToHost);
  }

 private:
  struct release {
    void operator()(T* p) const { detail::free_device(p); }
  };
  void expect(std::size_t n) const {
    if (n != size_) fail("an array of ", size_, " values on the device is copied from or to one of ", n);
  }
  void copy(const cuda& on, void* to, const void* from, cudaMemcpyKind kind) const {
    cuda_check(cudaMemcpyAsync(to, from, size_ * sizeof(T), kind, on.stream()), "a copy of ", size_ * sizeof(T), " bytes");
    on.wait();
  }
  std::unique_ptr<T, release> data_;
  std::size_t size_ = 0;
};

}  // namespace avss
