// Sums within an operation over the workers that share a batch.
#pragma once

#include <avss/cuda/passes.cuh>
#include <cstddef>
#include <span>

namespace avss::cuda_kernel {

// finish(s, sums) with sums that were kept.
template <class Finish>
struct finish_kept {
  Finish finish;
  const double* sums;
  AVSS_DEVICE void operator()(dim_t s) const {
    const double sum[2] = {sums[s * 2], sums[s * 2 + 1]};
    finish(s, sum);
  }
};

// The sums of all workers, in place: BatchNorm's statistics are of the whole batch.
inline void sum_over_workers(const cuda_backend& backend, double* sums, dim_t n) {
  backend.group->sum(backend, std::span<double>(sums, static_cast<std::size_t>(n)));
}

}  // namespace avss::cuda_kernel
