// Arrays and working memory of a device, or of the emulator in its place. Part of backend.cuh, so that no network can be
// compiled for a device without it.
#pragma once

#include <avss/core/arena.hpp>
#include <avss/core/error.hpp>
#include <avss/core/placement.hpp>
#include <avss/cuda/backend.cuh>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

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
inline void free_device(void* base) { (void)cudaFree(base); }
inline void copy_bytes(const cuda& on, void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  cuda_check(cudaMemcpyAsync(to, from, bytes, kind, on.stream()), "a copy of ", bytes, " bytes");
}
inline void copy_to_device(const cuda& on, void* to, const void* from, std::size_t bytes) {
  copy_bytes(on, to, from, bytes, cudaMemcpyHostToDevice);
  on.wait();
}
inline void copy_to_host(const cuda& on, void* to, const void* from, std::size_t bytes) {
  copy_bytes(on, to, from, bytes, cudaMemcpyDeviceToHost);
  on.wait();
}
inline void copy_on_device(const cuda& on, void* to, const void* from, std::size_t bytes) {
  copy_bytes(on, to, from, bytes, cudaMemcpyDeviceToDevice);
}
inline void zero_on_device(const cuda& on, void* to, std::size_t bytes) {
  cuda_check(cudaMemsetAsync(to, 0, bytes, on.stream()), bytes, " bytes of zeros");
}
// Of memory that nobody uses yet.
inline void zero_fresh(void* to, std::size_t bytes) {
  cuda_check(cudaMemset(to, 0, bytes), bytes, " bytes of zeros");
  cuda_check(cudaStreamSynchronize(cudaStreamLegacy), bytes, " bytes of zeros");
}

// Host memory that the device copies from and to by itself, while the host does something else.
class pinned_bytes {
 public:
  pinned_bytes() = default;
  pinned_bytes(pinned_bytes&& o) noexcept { *this = std::move(o); }
  pinned_bytes& operator=(pinned_bytes&& o) noexcept {
    std::swap(base_, o.base_), std::swap(size_, o.size_), std::swap(sent_, o.sent_);
    return *this;
  }
  ~pinned_bytes() {
    if (sent_) (void)cudaEventSynchronize(sent_), (void)cudaEventDestroy(sent_);
    if (base_) (void)cudaFreeHost(base_);
  }

  // On its way when this returns; `from` may change or go.
  void send(const cuda& on, void* to, const void* from, std::size_t bytes, const char* what) {
    if (!sent_) cuda_check(cudaEventCreateWithFlags(&sent_, cudaEventDisableTiming), "an event");
    cuda_check(cudaEventSynchronize(sent_), "an earlier copy of ", what);
    grow(bytes, what);
    std::memcpy(base_, from, bytes);
    copy_bytes(on, to, base_, bytes, cudaMemcpyHostToDevice);
    cuda_check(cudaEventRecord(sent_, on.stream()), "an event");
  }
  // Waits for all that was executed.
  void fetch(const cuda& on, void* to, const void* from, std::size_t bytes, const char* what) {
    grow(bytes, what);
    copy_bytes(on, base_, from, bytes, cudaMemcpyDeviceToHost);
    on.wait();
    std::memcpy(to, base_, bytes);
  }

 private:
  void grow(std::size_t bytes, const char* what) {
    if (bytes <= size_) return;
    if (base_) (void)cudaFreeHost(std::exchange(base_, nullptr));
    size_ = 0;
    cuda_check(cudaMallocHost(&base_, bytes), what, ": ", bytes, " bytes of pinned memory");
    size_ = bytes;
  }
  void* base_ = nullptr;
  std::size_t size_ = 0;
  cudaEvent_t sent_ = nullptr;
};
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
  if (bytes) std::memcpy(to, from, bytes);
}
inline void copy_to_device(const emulated_cuda&, void* to, const void* from, std::size_t bytes) { copy_bytes(to, from, bytes); }
inline void copy_to_host(const emulated_cuda&, void* to, const void* from, std::size_t bytes) { copy_bytes(to, from, bytes); }
inline void copy_on_device(const emulated_cuda&, void* to, const void* from, std::size_t bytes) { copy_bytes(to, from, bytes); }
inline void zero_on_device(const emulated_cuda&, void* to, std::size_t bytes) {
  const emulated::device_access access;
  if (bytes) std::memset(to, 0, bytes);
}
inline void zero_fresh(void* to, std::size_t bytes) { zero_on_device({}, to, bytes); }

struct pinned_bytes {
  void send(const emulated_cuda&, void* to, const void* from, std::size_t bytes, const char*) { copy_bytes(to, from, bytes); }
  void fetch(const emulated_cuda&, void* to, const void* from, std::size_t bytes, const char*) { copy_bytes(to, from, bytes); }
};
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

// Arrays of a network on the device: only kernels and copies reach them.
template <>
struct placement<cuda_backend> {
  static constexpr bool on_host = false;

  template <class T>
  using array = device_array<T>;

  static arena make_arena(std::size_t bytes) { return device_arena(bytes); }

  template <class T>
  static void copy_in(const cuda_backend& on, std::span<const T> host, std::span<T> to) {
    detail::copy_to_device(on, to.data(), host.data(), host.size_bytes());
  }
  template <class T>
  static void copy_out(const cuda_backend& on, std::span<const T> from, std::span<T> host) {
    detail::copy_to_host(on, host.data(), from.data(), from.size_bytes());
  }
  template <class T>
  static void copy(const cuda_backend& on, std::span<const T> from, std::span<T> to) {
    detail::copy_on_device(on, to.data(), from.data(), from.size_bytes());
  }
  template <class T>
  static void zero(const cuda_backend& on, std::span<T> values) {
    detail::zero_on_device(on, values.data(), values.size_bytes());
  }

  // Through pinned memory, so that the host does not wait for what it hands in.
  template <class T>
  class passage {
   public:
    T* in(const cuda_backend& on, std::span<const T> host, const char* what) {
      grow(host.size(), what);
      pinned_.send(on, there_.data(), host.data(), host.size_bytes(), what);
      return there_.data();
    }
    T* room(const cuda_backend&, std::span<T>, std::size_t n, const char* what) {
      grow(n, what);
      return there_.data();
    }
    void out(const cuda_backend& on, std::span<T> host) {
      pinned_.fetch(on, host.data(), there_.data(), host.size_bytes(), "results");
    }

   private:
    void grow(std::size_t n, const char* what) {
      if (there_.size() >= n) return;
      there_ = {};  // gives the old one back first
      there_ = device_buffer<T>(n, what);
    }
    device_buffer<T> there_;
    detail::pinned_bytes pinned_;
  };
};

}  // namespace avss
