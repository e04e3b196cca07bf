// Dropout, as plain loops.
#pragma once

#include <avss/op/dropout.hpp>
#include <avss/reference/backend.hpp>

namespace avss {

template <class T>
void execute(reference<T>&, const op::dropout<T>& o, void*) {
  for (dim_t outer = 0; outer < o.outer; ++outer)
    for (dim_t g = 0; g < o.groups; ++g) {
      const T factor = o.rule.template factor<T>(g);
      for (dim_t i = 0; i < o.inner; ++i) {
        const dim_t at = (outer * o.groups + g) * o.inner + i;
        const T y = factor * o.x[at];
        o.y[at] = o.plus ? y + o.plus[at] : y;
      }
    }
}

}  // namespace avss
