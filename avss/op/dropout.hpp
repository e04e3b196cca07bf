// Dropout, of single values or of whole items (DropPath).
#pragma once

#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <cstdint>

namespace avss::op {

// What is dropped: draw i is uniform(i) of the stream; below the rate it drops, otherwise what it stands for is divided by
// 1 - rate. The same rule on the way back, or in a pass that is made anew, drops the same.
struct dropout_rule {
  double rate = 0;  // 0: nothing is dropped
  random_stream random{0};
  // Or, where it is not null: in the backend's memory, the stream within which `place` names this one. It is read when the
  // operation runs, so that an operation that is kept to be run again need not drop the same again.
  const random_stream* step = nullptr;
  std::uint64_t place = 0;

  template <class T>
  constexpr T factor(dim_t draw) const {
    if (rate <= 0) return T(1);
    const random_stream drawn = step ? step->sub(place) : random;
    return drawn.uniform(static_cast<std::uint64_t>(draw)) < rate ? T(0) : static_cast<T>(1 / (1 - rate));
  }
};

// y[o,g,i] = x[o,g,i] * factor(g) (+ plus[o,g,i]).   Arrays [outer, groups, inner]; y may be x or plus.
// Single values: outer = inner = 1. Items of a map: outer = 1, groups = B.
template <class T>
struct dropout {
  dim_t outer, groups, inner;
  dropout_rule rule;
  const T* x;
  const T* plus;  // or null
  T* y;
  dim_t run = 0;  // draws of all items for what stands before the items' axis, as for each frame of [T, B, C]; 0: all groups
};

}  // namespace avss::op
