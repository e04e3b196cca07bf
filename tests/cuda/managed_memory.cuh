// Arrays of tests/support/op_run.hpp that the host and the device both reach. Seen by nvcc only.
#pragma once

#include <avss/cuda/device.cuh>
#include <tests/support/op_run.hpp>
#include <vector>

namespace avss::test {

template <class T>
struct managed_allocator {
  using value_type = T;
  managed_allocator() = default;
  template <class U>
  managed_allocator(const managed_allocator<U>&) {}  // NOLINT: allocators convert
  T* allocate(std::size_t n) {
    void* p = nullptr;
    cuda_check(cudaMallocManaged(&p, n * sizeof(T)), "managed memory: ", n * sizeof(T), " bytes");
    return static_cast<T*>(p);
  }
  void deallocate(T* p, std::size_t) { (void)cudaFree(p); }
  template <class U>
  bool operator==(const managed_allocator<U>&) const {
    return true;
  }
};

template <>
struct array_memory<cuda> {
  template <class T>
  using array = std::vector<T, managed_allocator<T>>;
  static void* take(std::size_t bytes) { return managed_allocator<std::byte>().allocate(bytes); }
  static void give_back(void* p) { (void)cudaFree(p); }
  static void wait(const cuda& backend) { backend.wait(); }
};

}  // namespace avss::test
