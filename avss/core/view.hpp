// A contiguous, row-major array that belongs to somebody else.
#pragma once

#include <avss/core/shape.hpp>
#include <cstddef>
#include <type_traits>

namespace avss {

// Trivially copyable; no strides, no broadcasting. `data` is null while memory is being planned.
template <class Shape, class T>
struct view {
  using shape_type = Shape;
  using value_type = T;

  T* data = nullptr;
  Shape extents;

  constexpr dim_t size() const { return extents.size(); }
  constexpr dim_t dim(std::size_t axis) const { return extents[axis]; }

  template <class... I>
  requires(sizeof...(I) == Shape::rank) constexpr T& operator()(I... index) const {
    const dim_t at[] = {static_cast<dim_t>(index)...};
    dim_t flat = 0;
    for (std::size_t a = 0; a < Shape::rank; ++a) flat = flat * extents[a] + at[a];
    return data[flat];
  }

  // A view of T converts to one of const T.
  constexpr operator view<Shape, const T>() const requires(!std::is_const_v<T>) { return {data, extents}; }
};

}  // namespace avss
