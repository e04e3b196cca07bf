// Moving arrays: sums of branches, joining and splitting along channels.
#pragma once

#include <avss/core/shape.hpp>

namespace avss::op {

// to[r to_pitch + i] (+)= from[r from_pitch + i],   r in [0, rows), i in [0, n). `from` and `to` do not overlap.
template <class T>
struct copy {
  dim_t rows, n;
  dim_t from_pitch, to_pitch;
  const T* from;
  T* to;
  bool accumulate;
};

}  // namespace avss::op
