// The scratch memory of one operation, cut into its pieces.
#pragma once

#include <avss/core/shape.hpp>
#include <cstddef>

namespace avss {

// Hands out pieces of an operation's scratch memory, each from a cache line of its own.
class carver {
 public:
  explicit carver(void* base) : base_(static_cast<std::byte*>(base)) {}
  template <class T>
  T* take(dim_t n) {
    T* const p = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64;
    return p;
  }
  std::size_t used() const { return used_; }

 private:
  std::byte* base_;
  std::size_t used_ = 0;
};

// Lays out an operation's scratch memory without any, to learn its size.
template <class Layout>
std::size_t layout_bytes(Layout&& layout) {
  carver memory(nullptr);
  layout(memory);
  return memory.used();
}

}  // namespace avss
