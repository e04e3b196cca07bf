// Softmax along rows on the device: a warp for each row.
#pragma once

#include <avss/cuda/backend.cuh>
#include <avss/op/dropout.hpp>
#include <cmath>

namespace avss::cuda_kernel {

// x [rows, n] := softmax of scale x. dropped [rows, n], or null: the same where dropout leaves it, times its factor.
struct softmax_rows {
  static constexpr int threads = 128;
  static constexpr bool cooperates = true;
  dim_t rows, n;
  float scale;
  float* x;
  op::dropout_rule drop{};
  float* dropped = nullptr;
  dim_t before = 0;  // draws of other workers' rows before these

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t row = t.block() * (threads / 32) + t.index() / 32;
    const int lane = t.index() % 32;
    const dim_t end = row < rows ? n : 0;  // the others of the block take part in the sums
    float* const at = x + row * n;
    double top = -HUGE_VAL, sum = 0;
    for (dim_t i = lane; i < end; i += 32) top = scale * at[i] > top ? scale * at[i] : top;
    const float high = static_cast<float>(t.warp_max(top));
    for (dim_t i = lane; i < end; i += 32) sum += at[i] = std::exp(scale * at[i] - high);
    const float share = static_cast<float>(1 / t.warp_sum(sum));
    for (dim_t i = lane; i < end; i += 32) {
      at[i] *= share;
      if (dropped) dropped[row * n + i] = at[i] * drop.factor<float>(before + row * n + i);
    }
  }
};

// d [rows, n], dL/d(y after dropout) := dL/d(x before scale), from y = softmax(scale x).
struct softmax_rows_back {
  static constexpr int threads = 128;
  static constexpr bool cooperates = true;
  dim_t rows, n;
  float scale;
  const float* y;
  float* d;
  op::dropout_rule drop{};
  float* dropped = nullptr;  // y after dropout, or null
  dim_t before = 0;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t row = t.block() * (threads / 32) + t.index() / 32;
    const int lane = t.index() % 32;
    const dim_t end = row < rows ? n : 0;
    double sum = 0;
    for (dim_t i = row * n + lane; i < row * n + end; i += 32) {
      const float factor = drop.factor<float>(before + i);
      if (dropped) dropped[i] = factor * y[i];
      d[i] *= factor;
      sum += static_cast<double>(y[i]) * d[i];
    }
    const float both = static_cast<float>(t.warp_sum(sum));
    for (dim_t i = row * n + lane; i < row * n + end; i += 32) d[i] = scale * y[i] * (d[i] - both);
  }
};

template <class K>
void over_softmax_rows(const cuda_backend& backend, const char* name, const K& kernel) {
  launch(backend, name, kernel, blocks_for(kernel.rows, K::threads / 32));
}

}  // namespace avss::cuda_kernel
