// Dropout on the device.
#pragma once

#include <avss/cuda/passes.cuh>
#include <avss/op/dropout.hpp>

namespace avss {
namespace cuda_kernel {

// place: item b = outer, all of its values in a row.
struct dropout_body {
  static constexpr int sums = 0;
  op::dropout<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const float y = o.rule.factor<float>(at.t / o.inner) * o.x[at.i];
    o.y[at.i] = o.plus ? y + o.plus[at.i] : y;
  }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::dropout<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "dropout", o.outer, 1, o.groups * o.inner, cuda_kernel::dropout_body{o});
}

}  // namespace avss
