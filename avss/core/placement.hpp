// Where the arrays of a backend lie, and how their values come there and back.
#pragma once

#include <algorithm>
#include <avss/core/arena.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// Host memory, which the host reads and writes as well. A backend whose kernels reach other memory specialises all of it
// (cuda/device_memory.cuh); what is written with it serves every backend.
template <class B>
struct placement {
  // Whether the host reaches the arrays.
  static constexpr bool on_host = true;

  // array<T>(n): n zeros, with data() and size().
  template <class T>
  using array = std::vector<T>;

  static arena make_arena(std::size_t bytes) { return arena(bytes); }
  // Before memory is given back that work under way may use.
  static void before_release(const B&) {}

  // Within the backend's memory.
  template <class T>
  static void copy(const B&, std::span<const T> from, std::span<T> to) {
    std::copy(from.begin(), from.end(), to.begin());
  }
  template <class T>
  static void zero(const B&, std::span<T> values) {
    std::fill(values.begin(), values.end(), T(0));
  }

  // What the host hands in for a pass, and what the pass hands back: here the host's own arrays. One object for each array of
  // a pass; where there is memory behind it, that grows to the largest met.
  template <class T>
  class passage {
   public:
    // The host's values where the backend reads them, until the next call.
    T* in(const B&, std::span<const T> host, const char*) { return const_cast<T*>(host.data()); }
    // Room for the backend to write what the host will have; without a host's array for as many values as are asked for.
    T* room(const B&, std::span<T> host, std::size_t n, const char*) {
      if (!host.empty()) return host.data();
      if (own_.size() < n) own_.resize(n);
      return own_.data();
    }
    // What was written into the room is in the host's array from here on.
    void out(const B&, std::span<T>) {}

   private:
    std::vector<T> own_;
  };

  // Results that come to the host while the backend goes on.
  template <class T>
  class report {
   public:
    // What is in the backend's memory now; that may change as soon as this returns.
    void send(const B&, std::span<const T> from) { values_.assign(from.begin(), from.end()); }
    // What was sent last.
    std::span<const T> get(const B&) { return values_; }

   private:
    std::vector<T> values_;
  };

  // Runs a step's work; a device may keep it and do it again without being told, where one with the same key was met before.
  // The key has all that decides on the work, sizes and addresses; what changes beside it is a `variable`.
  template <class Key>
  class steps {
   public:
    template <class Body>
    void run(const B&, const Key&, Body&& body) {
      body();
    }
    void forget() {}
  };

  // A value that the backend finds in its memory, always at the same place.
  template <class T>
  class variable {
   public:
    const T* set(const B&, const T& value) { return &there_.emplace(value); }

   private:
    std::optional<T> there_;
  };
};

// Room for n values at least; what was there is lost where it was too small.
template <class B, class T = typename B::value_type>
void grow(const B& backend, typename placement<B>::template array<T>& a, std::size_t n) {
  if (a.size() >= n) return;
  placement<B>::before_release(backend);
  a = {};  // gives the old one back first
  a = typename placement<B>::template array<T>(n);
}

// f(values): the array's values in host memory, to read them.
template <class B, class T, class F>
void look(const B& backend, std::span<const T> array, F&& f) {
  if constexpr (placement<B>::on_host) {
    f(array);
  } else {
    std::vector<T> host(array.size());
    placement<B>::copy_out(backend, array, std::span<T>(host));
    f(std::span<const T>(host));
  }
}

// f(values): likewise, to change them. Where f throws nothing has changed, unless the host reaches the array itself.
template <class B, class T, class F>
void edit(const B& backend, std::span<T> array, F&& f) {
  if constexpr (placement<B>::on_host) {
    f(array);
  } else {
    std::vector<T> host(array.size());
    placement<B>::copy_out(backend, std::span<const T>(array), std::span<T>(host));
    f(std::span<T>(host));
    placement<B>::copy_in(backend, std::span<const T>(host), array);
  }
}

}  // namespace avss
