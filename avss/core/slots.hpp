// Flat storage of several values of different types: what std::tuple does, without its recursion.
#pragma once

#include <cstddef>
#include <utility>

namespace avss {

template <std::size_t I, class T>
struct slot {
  T value{};
};

namespace detail {
template <class Indices, class... T>
struct slots_of;
template <std::size_t... I, class... T>
struct slots_of<std::index_sequence<I...>, T...> : slot<I, T>... {};
}  // namespace detail

template <class... T>
struct slots : detail::slots_of<std::index_sequence_for<T...>, T...> {};

template <std::size_t I, class T>
constexpr T& get(slot<I, T>& s) {
  return s.value;
}
template <std::size_t I, class T>
constexpr const T& get(const slot<I, T>& s) {
  return s.value;
}

}  // namespace avss
