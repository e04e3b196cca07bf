// Small results on their way from the backend's memory to the host's.
#pragma once

#include <avss/core/shape.hpp>

namespace avss::op {

// to = from; when it has been executed, the host may read `to`.
template <class U>
struct to_host {
  dim_t size;
  const U* from;  // backend memory
  U* to;          // host memory
};

}  // namespace avss::op
