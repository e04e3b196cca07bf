// Names for the parts of a network: for backends that note where work and time go; to others they cost nothing.
#pragma once

#include <avss/core/context.hpp>
#include <concepts>

namespace avss {

// enter(name) gives back the name of the part that was worked on before.
template <class B>
concept notes_parts = requires(const B& backend, const char* name) {
  { backend.enter(name) } -> std::same_as<const char*>;
};

namespace detail {

template <class B>
const B& noting(const B& backend) {
  return backend;
}
template <class B>
const B& noting(const measure<B>& m) {
  return m.backend;
}

}  // namespace detail

// Until it goes out of scope, operations belong to that part.
template <class B>
class part_guard {
 public:
  part_guard(const B& backend, const char* name) : backend_(backend) {
    if constexpr (notes_parts<B>) before_ = backend_.enter(name);
  }
  part_guard(const part_guard&) = delete;
  part_guard& operator=(const part_guard&) = delete;
  ~part_guard() {
    if constexpr (notes_parts<B>) backend_.enter(before_);
  }

 private:
  const B& backend_;
  const char* before_ = nullptr;
};

//   const auto part = part_of(ctx, "decoder");
template <class C>
[[nodiscard]] auto part_of(C& ctx, const char* name) {
  return part_guard(detail::noting(ctx.backend()), name);
}

}  // namespace avss
