// Where a network's arrays lie on a device, and how its passes run there. Part of backend.cuh, so that no network can be
// compiled for a device without it.
#pragma once

#include <avss/core/placement.hpp>
#include <avss/cuda/device_memory.cuh>
#include <avss/cuda/graphs.cuh>
#include <avss/cuda/pinned.cuh>
#include <avss/cuda/step_value.cuh>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

namespace avss {
namespace detail {

// Pinned memory that is used again once what was sent from it, or to it, has arrived.
class pinned_passage {
 public:
  pinned_passage() = default;
  pinned_passage(pinned_passage&& o) noexcept { *this = std::move(o); }
  pinned_passage& operator=(pinned_passage&& o) noexcept {
    std::swap(bytes_, o.bytes_);
#if defined(__CUDACC__)
    std::swap(sent_, o.sent_);
#endif
    return *this;
  }
  ~pinned_passage() {
#if defined(__CUDACC__)
    if (sent_) (void)cudaEventSynchronize(sent_), (void)cudaEventDestroy(sent_);
#endif
  }

  // On its way when this returns; `from` may change or go.
  void send(const cuda_backend& on, void* to, const void* from, std::size_t bytes, const char* what) {
    if (bytes == 0) return;
    await(on, what);
    reserve(bytes);
    std::memcpy(bytes_->data(), from, bytes);
    enqueue_copy(on, to, bytes_->data(), bytes);
#if defined(__CUDACC__)
    cuda_check(cudaEventRecord(sent_, on.stream()), "an event");
#endif
  }
  // Waits for all that was executed.
  void fetch(const cuda_backend& on, void* to, const void* from, std::size_t bytes) {
    if (bytes == 0) return;
    reserve(bytes);
    enqueue_copy(on, bytes_->data(), from, bytes);
#if defined(__CUDACC__)
    on.wait();
#else
    ++emulated::traffic::of_thread().waits;
#endif
    std::memcpy(to, bytes_->data(), bytes);
  }
  // fetch() in two halves: the copy is queued, and it has come; what is queued in between is not waited for.
  void ask(const cuda_backend& on, const void* from, std::size_t bytes) {
    if (!bytes_ || bytes_->size() < bytes) {
      await(on, "results");
      reserve(bytes);
    }
    enqueue_copy(on, bytes_->data(), from, bytes);  // after an earlier one, in the stream's order
#if defined(__CUDACC__)
    cuda_check(cudaEventRecord(sent_, on.stream()), "an event");
#endif
  }
  const void* answer(const cuda_backend& on) {
    await(on, "results");
#if !defined(__CUDACC__)
    ++emulated::traffic::of_thread().waits;
#endif
    return bytes_->data();
  }

 private:
  void await([[maybe_unused]] const cuda_backend& on, [[maybe_unused]] const char* what) {
#if defined(__CUDACC__)
    if (!sent_) return cuda_check(cudaEventCreateWithFlags(&sent_, cudaEventDisableTiming), "an event");
    on.ready_to_block();
    cuda_check(cudaEventSynchronize(sent_), "a copy of ", what);
#endif
  }
  void reserve(std::size_t bytes) {
    if (bytes_ && bytes_->size() >= bytes) return;
    bytes_.reset();  // gives the old one back first
    bytes_.emplace(bytes);
  }

  std::optional<pinned_buffer<std::byte>> bytes_;
#if defined(__CUDACC__)
  cudaEvent_t sent_ = nullptr;
#endif
};

}  // namespace detail

// Only kernels and copies reach the arrays. Steps are kept as graphs.
template <>
struct placement<cuda_backend> {
  static constexpr bool on_host = false;

  template <class T>
  using array = device_array<T>;

  static arena make_arena(std::size_t bytes) { return device_arena(bytes); }
  // Giving memory back waits for the device, but would not notice that another worker has failed.
  static void before_release([[maybe_unused]] const cuda_backend& on) {
#if defined(__CUDACC__)
    on.ready_to_block();
#endif
  }

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
      reserve(on, host.size(), what);
      pinned_.send(on, there_.data(), host.data(), host.size_bytes(), what);
      return there_.data();
    }
    T* room(const cuda_backend& on, std::span<T>, std::size_t n, const char* what) {
      reserve(on, n, what);
      return there_.data();
    }
    void out(const cuda_backend& on, std::span<T> host) { pinned_.fetch(on, host.data(), there_.data(), host.size_bytes()); }

   private:
    void reserve(const cuda_backend& on, std::size_t n, const char* what) {
      if (there_.size() >= n) return;
      before_release(on);
      there_ = {};  // gives the old one back first
      there_ = device_buffer<T>(n, what);
    }
    device_buffer<T> there_;
    detail::pinned_passage pinned_;
  };

  // The host waits for them alone, not for what was queued behind them.
  template <class T>
  class report {
   public:
    void send(const cuda_backend& on, std::span<const T> from) {
      pinned_.ask(on, from.data(), from.size_bytes());
      size_ = from.size();
    }
    std::span<const T> get(const cuda_backend& on) { return {static_cast<const T*>(pinned_.answer(on)), size_}; }

   private:
    detail::pinned_passage pinned_;
    std::size_t size_ = 0;
  };

  template <class Key>
  class steps {
   public:
    template <class Body>
    void run(const cuda_backend& on, const Key& key, Body&& body) {
      if (on.group) return body();  // its sums may wait for the others
      if (!graphs_) graphs_.emplace(on);
      graphs_->run(key, body);
    }
    void forget() {
      if (graphs_) graphs_->forget();
    }

   private:
    std::optional<step_graphs<Key>> graphs_;
  };

  template <class T>
  class variable {
   public:
    const T* set(const cuda_backend& on, const T& value) {
      if (there_)
        there_->set(on, value);
      else
        there_.emplace(on, value);
      return there_->data();
    }

   private:
    std::optional<step_value<T>> there_;
  };
};

}  // namespace avss
