// Dropout on the device.
#pragma once

#include <avss/cuda/passes.cuh>
#include <avss/op/dropout.hpp>

namespace avss {
namespace cuda_kernel {

// place: item b = outer, all of its values in a row. Items lie side by side in each run of draws; those of all workers do in
// the whole batch's.
struct dropout_body {
  static constexpr int sums = 0;
  op::dropout<float> o;
  dim_t run, before, others;  // draws: of this worker's items in a run, of the workers' before it, of all others
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t g = at.t / o.inner;
    const float y = o.rule.factor<float>(g + before + (others > 0 ? g / run * others : 0)) * o.x[at.i];
    o.y[at.i] = o.plus ? y + o.plus[at.i] : y;
  }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::dropout<float>& o, void*) {
  const dim_t run = o.run > 0 ? o.run : o.groups;
  cuda_kernel::pass_rows(backend, "dropout", o.outer, 1, o.groups * o.inner,
                         cuda_kernel::dropout_body{o, run, backend.first_draw(run), (backend.workers() - 1) * run});
}

}  // namespace avss
