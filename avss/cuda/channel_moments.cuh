// Moments out of sums on the device; those of channels are of the items of all workers that share a batch.
#pragma once

#include <avss/cuda/map_norm_sums.cuh>
#include <avss/cuda/worker_sums.cuh>
#include <avss/op/map_norm.hpp>
#include <cmath>

namespace avss::cuda_kernel {

// mean and rstd out of the sums of a and a^2.
struct finish_map_moments {
  op::map_norm<float> f;
  double count;
  AVSS_DEVICE double weight(dim_t) const { return 1; }
  AVSS_DEVICE void operator()(dim_t s, const double (&sum)[2]) const {
    const double mean = sum[0] / count, variance = sum[1] / count - mean * mean;
    f.mean[s] = static_cast<float>(mean);
    f.rstd[s] = static_cast<float>(1 / std::sqrt((variance > 0 ? variance : 0) + f.eps));
  }
};

// The sums themselves: to [stats, 2].
struct keep_sums {
  double* to;
  AVSS_DEVICE double weight(dim_t) const { return 1; }
  AVSS_DEVICE void operator()(dim_t s, const double (&sum)[2]) const {
    to[s * 2] = sum[0];
    to[s * 2 + 1] = sum[1];
  }
};

// Moments of channels, of the items of all workers.
class channel_moments {
 public:
  channel_moments(const cuda_backend& backend, carver& m, const op::map_size& n)
      : rows_(m.take<double>(partial_doubles(norm_over::channel, n, 2))),
        all_(m.take<double>(backend.group ? n.channels * 2 : 0)) {}
  // body: sums of a and a^2.
  template <class Body>
  void find(const cuda_backend& backend, const char* name, const op::map_size& n, const op::map_norm<float>& f,
            const Body& body) const {
    const finish_map_moments moments{f, static_cast<double>(n.batch * n.plane() * backend.workers())};
    const auto pass = [&](const auto& make) {
      pass_rows(backend, name, n.batch, n.channels, n.plane(), body, rows_,
                endings_of(ending{rows_of::channel, make_of_sums{rows_, make}}));
    };
    if (!backend.group) return pass(moments);
    pass(keep_sums{all_});
    sum_over_workers(backend, all_, n.channels * 2);
    pass_values(backend, name, 0, n.channels, finish_kept<finish_map_moments>{moments, all_});
  }

 private:
  double *rows_, *all_;
};

}  // namespace avss::cuda_kernel
