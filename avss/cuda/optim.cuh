// Optimiser steps on the device. See op/optim.hpp for the formulas.
#pragma once

#include <avss/cuda/passes.cuh>
#include <avss/op/optim.hpp>
#include <cmath>

namespace avss {
namespace cuda_kernel {

// The list of ranges is the host's: a launch for each of the few.
template <class Body>
void over_ranges(const cuda_backend& backend, const char* name, const op::flat_ranges& ranges, const Body& body) {
  for (int r = 0; r < ranges.count; ++r) {
    const flat_range& range = ranges.list[r];
    pass_values(backend, name, range.offset, range.size, body);
  }
}

struct adam_body {
  op::adam_rates now;
  const op::adam_rates* at;
  float keep2, take2, penalty, eps;
  float* value;
  const float* gradient;
  float *mean, *square;
  AVSS_DEVICE void operator()(dim_t i) const {
    const op::adam_rates& r = at ? *at : now;
    const float keep1 = static_cast<float>(r.beta1), take1 = static_cast<float>(1 - r.beta1);
    const float decay = static_cast<float>(r.decay), rate = static_cast<float>(r.rate), root = static_cast<float>(r.root);
    const float g = gradient[i] + penalty * value[i];
    const float m = keep1 * mean[i] + take1 * g, v = keep2 * square[i] + take2 * g * g;
    mean[i] = m;
    square[i] = v;
    value[i] = decay * value[i] - rate * m / (std::sqrt(v) / root + eps);
  }
};

struct sgd_body {
  op::sgd_rates now;
  const op::sgd_rates* at;
  float take, penalty;
  float* value;
  const float* gradient;
  float* mean;
  bool nesterov;
  AVSS_DEVICE void operator()(dim_t i) const {
    const op::sgd_rates& r = at ? *at : now;
    const float rate = static_cast<float>(r.lr), momentum = static_cast<float>(r.momentum);
    float g = gradient[i] + penalty * value[i];
    if (mean) {
      const float m = r.first ? g : momentum * mean[i] + take * g;
      mean[i] = m;
      g = nesterov ? g + momentum * m : m;
    }
    value[i] -= rate * g;
  }
};

struct clip_body {
  float* gradient;
  const double* norm;
  double max_norm;
  AVSS_DEVICE void operator()(dim_t i) const {
    const double factor = max_norm / (*norm + 1e-6);
    if (std::isfinite(*norm) && factor < 1) gradient[i] *= static_cast<float>(factor);
  }
};

struct average_body {
  float take;
  const float* value;
  float* average;
  AVSS_DEVICE void operator()(dim_t i) const { average[i] += take * (value[i] - average[i]); }
};

// Values of which a block makes one sum of squares.
inline constexpr dim_t norm_piece = 8192;

inline dim_t norm_pieces(const op::flat_ranges& ranges) {
  dim_t n = 0;
  for (int r = 0; r < ranges.count; ++r) n += blocks_for(ranges.list[r].size, norm_piece);
  return n;
}

struct square_sums {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  const float* gradient;
  dim_t first, n;
  double* partial;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t begin = t.block() * norm_piece;
    double sum[1] = {0};
    for (dim_t i = begin + t.index(); i < begin + norm_piece && i < n; i += threads) {
      const double g = gradient[first + i];
      sum[0] += g * g;
    }
    simt::block_sum(t, sum, t.shared<double>());
    if (t.index() == 0) partial[t.block()] = sum[0];
  }
};

struct root_of_sums {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  dim_t n;
  const double* partial;
  double* norm;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    double sum[1] = {0};
    for (dim_t i = t.index(); i < n; i += threads) sum[0] += partial[i];
    simt::block_sum(t, sum, t.shared<double>());
    if (t.index() == 0) *norm = std::sqrt(sum[0]);
  }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::adam_step<float>& o, void*) {
  const auto f = [](double v) { return static_cast<float>(v); };
  cuda_kernel::over_ranges(backend, "Adam", o.ranges,
                           cuda_kernel::adam_body{o.now, o.at, f(o.beta2), f(1 - o.beta2), f(o.penalty), f(o.eps), o.value,
                                                  o.gradient, o.mean, o.square});
}

inline void execute(cuda_backend& backend, const op::sgd_step<float>& o, void*) {
  const auto f = [](double v) { return static_cast<float>(v); };
  cuda_kernel::over_ranges(
      backend, "SGD", o.ranges,
      cuda_kernel::sgd_body{o.now, o.at, f(1 - o.dampening), f(o.weight_decay), o.value, o.gradient, o.mean, o.nesterov});
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::gradient_norm<float>& o) {
  return layout_bytes([&](carver& m) { m.take<double>(cuda_kernel::norm_pieces(o.ranges)); });
}

inline void execute(cuda_backend& backend, const op::gradient_norm<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const dim_t pieces = norm_pieces(o.ranges);
  double* partial = memory.take<double>(pieces);
  const double* const all = partial;
  for (int r = 0; r < o.ranges.count; ++r) {
    const flat_range& range = o.ranges.list[r];
    const dim_t blocks = blocks_for(range.size, norm_piece);
    launch(backend, "squares of the gradient", square_sums{o.gradient, range.offset, range.size, partial}, blocks,
           simt::sum_doubles<square_sums, 1> * sizeof(double));
    partial += blocks;
  }
  launch(backend, "norm of the gradient", root_of_sums{pieces, all, o.norm}, 1,
         simt::sum_doubles<root_of_sums, 1> * sizeof(double));
}

inline void execute(cuda_backend& backend, const op::clip_gradient<float>& o, void*) {
  cuda_kernel::over_ranges(backend, "clipping", o.ranges, cuda_kernel::clip_body{o.gradient, o.norm, o.max_norm});
}

inline void execute(cuda_backend& backend, const op::average_step<float>& o, void*) {
  cuda_kernel::over_ranges(backend, "running average", o.ranges,
                           cuda_kernel::average_body{static_cast<float>(1 - o.decay), o.value, o.average});
}

}  // namespace avss
