// What every engine holds: a network, its numbers and its working memory, where the backend reaches them.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/context.hpp>
#include <avss/core/placement.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <type_traits>
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
      placement<B>::before_release(backend_);
      memory_ = arena();  // gives the old one back first
      memory_ = placement<B>::make_arena(need);
    }
    memory_.reset();
  }

  // Of a pass: its sizes and switches, and all memory that it works on.
  using step_key = std::array<std::uintptr_t, 16>;
  template <class... What>
  step_key key_of(const What&... what) {
    static_assert(sizeof...(What) + 5 <= std::tuple_size_v<step_key>);
    // Working memory by its size, too: operations have their scratch memory at its end.
    const std::array<std::uintptr_t, 5> memory{number(memory_.base()), number(memory_.capacity()), number(values().data()),
                                               number(state().data()), number(gradients_.data())};
    step_key key{number(what)...};
    std::copy(memory.begin(), memory.end(), key.end() - 5);
    return key;
  }
  using steps = typename placement<B>::template steps<step_key>;

  // Both halves of training passes, and what the first leaves for the second, by the pass: where it is done without being told,
  // that of the last time.
  template <class Saved>
  struct training_passes {
    struct kept {
      Saved saved{};
      std::size_t front = 0;  // of the memory, that is in use between them
    };
    steps forward, backward;

    // Valid until the next call.
    kept& operator[](const step_key& key) {
      if constexpr (placement<B>::on_host) return all_[{}];
      if (all_.size() >= most && !all_.contains(key)) all_.clear(), forward.forget(), backward.forget();
      return all_[key];
    }

   private:
    static constexpr std::size_t most = 64;
    std::map<step_key, kept> all_;
  };

  Net net_;
  B backend_;
  arena memory_;

 private:
  template <class U>
  static std::uintptr_t number(const U& what) {
    if constexpr (std::is_pointer_v<U>)
      return reinterpret_cast<std::uintptr_t>(what);
    else
      return static_cast<std::uintptr_t>(what);
  }

  static std::span<T> made(array& a, dim_t n) {
    const auto size = static_cast<std::size_t>(n);
    if (a.size() != size) a = array(size);
    return {a.data(), size};
  }

  array values_, gradients_, state_;
};

}  // namespace avss
