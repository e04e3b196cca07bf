// What every engine holds: a network, its numbers and its working memory, where the backend reaches them.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/placement.hpp>
#include <cstddef>
#include <span>
#include <utility>

namespace avss {

// Arrays are made, zero, when first asked for: a network can be planned where its backend has no memory.
template <class Net, class B>
class net_numbers {
 public:
  using backend_type = B;
  using T = typename B::value_type;
  using array = typename placement<B>::template array<T>;

  const Net& net() const { return net_; }
  B& backend() { return backend_; }
  // In the backend's memory: look() and edit() show them to the host.
  std::span<T> values() { return made(values_, net_.extent().values); }
  std::span<T> state() { return made(state_, net_.extent().state); }
  std::span<T> gradients() { return made(gradients_, net_.extent().values); }

  // Puts others in the place of the values, and those there.
  void exchange_values(array& others) {
    values();
    std::swap(values_, others);
  }

 protected:
  explicit net_numbers(B backend, Net net = Net()) : net_(std::move(net)), backend_(std::move(backend)) {}
  ~net_numbers() = default;
  net_numbers(net_numbers&&) = default;
  net_numbers& operator=(net_numbers&&) = default;

  // Working memory of at least so many bytes, all of it free.
  void reserve(std::size_t need) {
    if (memory_.measures() || memory_.capacity() < need) {
      memory_ = arena();  // gives the old one back first
      memory_ = placement<B>::make_arena(need);
    }
    memory_.reset();
  }

  Net net_;
  B backend_;
  arena memory_;

 private:
  static std::span<T> made(array& a, dim_t n) {
    const auto size = static_cast<std::size_t>(n);
    if (a.size() != size) a = array(size);
    return {a.data(), size};
  }

  array values_, gradients_, state_;
};

}  // namespace avss
