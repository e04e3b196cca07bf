// Host memory that a device copies from and to by itself, in order with its other work.
#pragma once

#include <avss/cuda/launch.cuh>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>

namespace avss {
namespace detail {

#if defined(__CUDACC__)
inline void* pinned_memory(std::size_t bytes) {
  void* base = nullptr;
  cuda_check(cudaMallocHost(&base, bytes), bytes, " bytes of pinned memory");
  return base;
}
inline void free_pinned(void* base) { (void)cudaFreeHost(base); }
#else
inline void* pinned_memory(std::size_t bytes) { return ::operator new(bytes); }
inline void free_pinned(void* base) { ::operator delete(base); }
#endif

}  // namespace detail

// Values on the host; what they are at first is not said.
template <class T>
class pinned_buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit pinned_buffer(std::size_t n) : size_(n) {
    if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) fail("pinned memory for ", n, " values is too large");
    if (n) data_.reset(static_cast<T*>(detail::pinned_memory(n * sizeof(T))));
  }
  T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::span<T> span() const { return {data_.get(), size_}; }

 private:
  struct release {
    void operator()(T* p) const { detail::free_pinned(p); }
  };
  std::unique_ptr<T, release> data_;
  std::size_t size_ = 0;
};

// Copies when the device comes to it: both ends, each of pinned or of device memory, must last and stay as they are until then.
// Unlike the copies of device_memory.cuh this does not wait, and may be captured into a graph.
inline void enqueue_copy(const cuda_backend& on, void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
#if defined(__CUDACC__)
  cuda_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, on.stream()), "a copy of ", bytes, " bytes");
#else
  (void)on;
  emulated::submit([=] { std::memcpy(to, from, bytes); });
#endif
}

}  // namespace avss
