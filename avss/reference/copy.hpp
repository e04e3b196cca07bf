// Moving arrays, as plain loops.
#pragma once

#include <avss/op/copy.hpp>
#include <avss/reference/backend.hpp>

namespace avss {

template <class T>
void execute(reference<T>&, const op::copy<T>& o, void*) {
  for (dim_t r = 0; r < o.rows; ++r)
    for (dim_t i = 0; i < o.n; ++i) {
      T& to = o.to[r * o.to_pitch + i];
      to = o.from[r * o.from_pitch + i] + (o.accumulate ? to : T(0));
    }
}

}  // namespace avss
