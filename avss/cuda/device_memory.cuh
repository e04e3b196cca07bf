// Arrays and working memory of a device, or of the emulator in its place. Part of backend.cuh, so that no network can be
// compiled for a device without it.
#pragma once

#include <avss/core/arena.hpp>
#include <avss/core/error.hpp>
#include <avss/cuda/launch.cuh>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

namespace avss {

// Memory that is not there on the device.
class out_of_device_memory : public out_of_memory {
 public:
  using out_of_memory::out_of_memory;
};

namespace detail {

[[noreturn]] inline void fail_for_memory(const char* what, std::size_t bytes, std::size_t free, std::size_t total) {
  throw out_of_device_memory(joined("out of device memory: ", what, " needs ", bytes, " bytes, ", free, " of ", total,
                                    " are free; lower inferencer.window, or dataloader.batch_size where a network is trained"));
}

#if defined(__CUDACC__)
inline void* device_bytes(std::size_t bytes, const char* what) {
  void* base = nullptr;
  const cudaError_t e = cudaMalloc(&base, bytes);
  if (e == cudaErrorMemoryAllocation) {
    std::size_t free = 0, total = 0;
    (void)cudaGetLastError();
    (void)cudaMemGetInfo(&free, &total);
    fail_for_memory(what, bytes, free, total);
  }
  cuda_check(e, what, ": ", bytes, " bytes of device memory");
  return base;
}
// cudaFree need not wait for work under way, which may use it.
inline void free_device(void* base) {
  if (!base) return;
  (void)cudaDeviceSynchronize();
  if (cudaFree(base) != cudaSuccess) (void)cudaGetLastError();  // or the next launch would find it
}
inline void copy_bytes(const cuda& on, void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return;
  cuda_check(cudaMemcpyAsync(to, from, bytes, kind, on.stream()), "a copy of ", bytes, " bytes");
}
inline void copy_to_device(const cuda& on, void* to, const void* from, std::size_t bytes) {
  on.ready_to_block();
  copy_bytes(on, to, from, bytes, cudaMemcpyHostToDevice);
  on.wait();
}
inline void copy_to_host(const cuda& on, void* to, const void* from, std::size_t bytes) {
  on.ready_to_block();
  copy_bytes(on, to, from, bytes, cudaMemcpyDeviceToHost);
  on.wait();
}
inline void copy_on_device(const cuda& on, void* to, const void* from, std::size_t bytes) {
  copy_bytes(on, to, from, bytes, cudaMemcpyDeviceToDevice);
}
inline void zero_on_device(const cuda& on, void* to, std::size_t bytes) {
  if (bytes == 0) return;
  cuda_check(cudaMemsetAsync(to, 0, bytes, on.stream()), bytes, " bytes of zeros");
}
// Of memory that nobody uses yet.
inline void zero_fresh(void* to, std::size_t bytes) {
  if (bytes == 0) return;
  cuda_check(cudaMemset(to, 0, bytes), bytes, " bytes of zeros");
  cuda_check(cudaStreamSynchronize(cudaStreamLegacy), bytes, " bytes of zeros");
}

#else
inline void* device_bytes(std::size_t bytes, const char* what) {
  auto& memory = emulated::device_memory::all();
  void* const base = memory.allocate(bytes);
  if (!base) fail_for_memory(what, bytes, memory.free(), memory.total());
  return base;
}
inline void free_device(void* base) { emulated::device_memory::all().release(base); }
inline void copy_bytes(void* to, const void* from, std::size_t bytes) {
  const emulated::device_access access;
  ++emulated::traffic::of_thread().waits;
  if (bytes) std::memcpy(to, from, bytes);
}
inline void copy_to_device(const emulated_cuda&, void* to, const void* from, std::size_t bytes) { copy_bytes(to, from, bytes); }
inline void copy_to_host(const emulated_cuda&, void* to, const void* from, std::size_t bytes) { copy_bytes(to, from, bytes); }
inline void copy_on_device(const emulated_cuda&, void* to, const void* from, std::size_t bytes) {
  if (bytes) emulated::submit([=] { std::memcpy(to, from, bytes); });
}
inline void zero_on_device(const emulated_cuda&, void* to, std::size_t bytes) {
  if (bytes) emulated::submit([=] { std::memset(to, 0, bytes); });
}
inline void zero_fresh(void* to, std::size_t bytes) {
  const emulated::device_access access;
  if (bytes) std::memset(to, 0, bytes);
}
#endif

}  // namespace detail

// A two-ended arena on the device.
inline arena device_arena(std::size_t bytes) {
  const std::size_t whole = (bytes + arena::alignment) / arena::alignment * arena::alignment;
  return arena(detail::device_bytes(whole, "the network's working memory"), whole, detail::free_device);
}

// An array on the device; its values are whatever was there.
template <class T>
class device_buffer {
 public:
  device_buffer() = default;
  explicit device_buffer(std::size_t n, const char* what = "an array") : size_(n) {
    if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) fail(what, " of ", n, " values is too large");
    if (n) data_.reset(static_cast<T*>(detail::device_bytes(n * sizeof(T), what)));
  }
  device_buffer(const cuda_backend& on, std::span<const T> values) : device_buffer(values.size()) { upload(on, values); }

  T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::span<T> span() const { return {data_.get(), size_}; }

  // The host's array may change or go when these return.
  void upload(const cuda_backend& on, std::span<const T> from) const {
    expect(from.size());
    detail::copy_to_device(on, data_.get(), from.data(), from.size_bytes());
  }
  void download(const cuda_backend& on, std::span<T> to) const {
    expect(to.size());
    detail::copy_to_host(on, to.data(), data_.get(), to.size_bytes());
  }

 private:
  struct release {
    void operator()(T* p) const { detail::free_device(p); }
  };
  void expect(std::size_t n) const {
    if (n != size_) fail("an array of ", size_, " values on the device is copied from or to one of ", n);
  }
  std::unique_ptr<T, release> data_;
  std::size_t size_ = 0;
};

// Of zeros.
template <class T>
class device_array : public device_buffer<T> {
 public:
  device_array() = default;
  explicit device_array(std::size_t n, const char* what = "an array") : device_buffer<T>(n, what) {
    if (n) detail::zero_fresh(this->data(), n * sizeof(T));
  }
};

}  // namespace avss
