// Eight doubles at a time, for sums whose order the compiler may not change by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

// GCC warns that another target would pass these vectors in another way. All functions here are inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace avss::lanes {

inline constexpr std::size_t width = 8;
using vec = double __attribute__((vector_size(width * sizeof(double))));

inline vec load(const double* p) {
  vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(double* p, vec v) { std::memcpy(p, &v, sizeof v); }

inline double total(vec v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

// sum of a[i] b[i] over n. The result is the same wherever the rows lie.
inline double dot(const double* a, const double* b, std::size_t n) {
  vec s{}, t{}, u{}, v{};  // as many as hide an addition's latency
  std::size_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    s += load(a + i) * load(b + i);
    t += load(a + i + width) * load(b + i + width);
    u += load(a + i + 2 * width) * load(b + i + 2 * width);
    v += load(a + i + 3 * width) * load(b + i + 3 * width);
  }
  for (; i + width <= n; i += width) s += load(a + i) * load(b + i);
  double rest = 0;
  for (; i < n; ++i) rest += a[i] * b[i];
  return total((s + t) + (u + v)) + rest;
}

// Memory of this alignment out of plain malloc(): blocks of aligned_alloc() that come and go leave glibc 2.36 with holes that
// it does not use again, for scores of many files 0.8 MB a file.
template <class T>
struct allocator {
  using value_type = T;
  static constexpr std::size_t alignment = alignof(vec);
  static_assert(alignof(T) <= alignment);

  allocator() = default;
  template <class U>
  allocator(const allocator<U>&) {}

  T* allocate(std::size_t n) {
    if (n > (static_cast<std::size_t>(-1) - alignment - sizeof(void*)) / sizeof(T)) throw std::bad_alloc();
    void* const block = std::malloc(n * sizeof(T) + alignment + sizeof(void*));
    if (!block) throw std::bad_alloc();
    const auto begin = reinterpret_cast<std::uintptr_t>(block) + sizeof(void*);
    const std::uintptr_t at = (begin + alignment - 1) / alignment * alignment;
    std::memcpy(reinterpret_cast<void*>(at - sizeof(void*)), &block, sizeof block);  // for deallocate()
    return reinterpret_cast<T*>(at);
  }
  void deallocate(T* p, std::size_t) {
    void* block = nullptr;
    std::memcpy(&block, reinterpret_cast<const std::byte*>(p) - sizeof block, sizeof block);
    std::free(block);
  }
  friend bool operator==(const allocator&, const allocator&) { return true; }
};

template <class T>
using array_of = std::vector<T, allocator<T>>;

}  // namespace avss::lanes
