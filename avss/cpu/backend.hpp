// The CPU backend: oneDNN for matrix products, vectorised kernels of our own for the rest. Element type float.
#pragma once

#include <avss/core/parallel.hpp>

namespace avss {

// Results are bit-equal for any number of threads: work is cut into pieces by shape alone, and sums over pieces are made in
// their order.
struct cpu {
  using value_type = float;
  int threads = available_threads();
};

}  // namespace avss
