// Moving arrays on the device.
#pragma once

#include <avss/cuda/backend.cuh>
#include <avss/op/copy.hpp>

namespace avss {
namespace cuda_kernel {

struct copy_rows {
  static constexpr int threads = 256;
  static constexpr bool cooperates = false;
  static constexpr dim_t piece = threads * 4;
  op::copy<float> o;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t pieces = blocks_for(o.n, piece), row = t.block() / pieces, begin = t.block() % pieces * piece;
    const float* const from = o.from + row * o.from_pitch;
    float* const to = o.to + row * o.to_pitch;
    for (dim_t i = begin + t.index(); i < begin + piece && i < o.n; i += threads)
      to[i] = o.accumulate ? to[i] + from[i] : from[i];
  }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::copy<float>& o, void*) {
  using kernel = cuda_kernel::copy_rows;
  cuda_kernel::launch(backend, "copy", kernel{o}, o.rows * cuda_kernel::blocks_for(o.n, kernel::piece));
}

}  // namespace avss
