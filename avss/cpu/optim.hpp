// Optimiser steps on the CPU: one pass over the buffers, in chunks of fixed size.
#pragma once

#if defined(__SSE__)
#include <xmmintrin.h>  // <immintrin.h>, with all there is, costs a third of a second of every compilation
#endif

#include <algorithm>
#include <avss/core/parallel.hpp>
#include <avss/cpu/backend.hpp>
#include <avss/op/optim.hpp>
#include <cmath>
#include <cstddef>

namespace avss {
namespace cpu_kernel {

inline constexpr dim_t optim_chunk = 16384;  // values

inline dim_t optim_chunks(const flat_range& r) { return (r.size + optim_chunk - 1) / optim_chunk; }

inline dim_t optim_chunks(const op::flat_ranges& ranges) {
  dim_t n = 0;
  for (int r = 0; r < ranges.count; ++r) n += optim_chunks(ranges.list[r]);
  return n;
}

// Calls body(chunk, first index, count) for every chunk of the ranges, numbered from 0.
template <class Body>
void over_chunks(int threads, const op::flat_ranges& ranges, Body&& body) {
  dim_t before = 0;
  for (int r = 0; r < ranges.count; ++r) {
    const flat_range& range = ranges.list[r];
    parallel_for(threads, optim_chunks(range), [&](dim_t c, int) {
      body(before + c, range.offset + c * optim_chunk, std::min(optim_chunk, range.size - c * optim_chunk));
    });
    before += optim_chunks(range);
  }
}

struct adam_factors {
  float keep1, take1, keep2, take2, decay, penalty, eps, rate, unroot;
};

// x = sqrt(x). std::sqrt must set errno for negative numbers, which keeps compilers from vectorising a loop of it.
inline void square_roots(float* x, dim_t n) {
  dim_t i = 0;
#if defined(__SSE__)
  for (; i + 4 <= n; i += 4) _mm_storeu_ps(x + i, _mm_sqrt_ps(_mm_loadu_ps(x + i)));
#endif
  for (; i < n; ++i) x[i] = std::sqrt(x[i]);
}

inline void adam(const adam_factors& f, float* __restrict p, const float* __restrict gradient, float* __restrict m,
                 float* __restrict v, dim_t n) {
  constexpr dim_t block = 256;
  float root[block];
  for (dim_t start = 0; start < n; start += block) {
    const dim_t end = std::min(start + block, n);
    for (dim_t i = start; i < end; ++i) {
      const float g = gradient[i] + f.penalty * p[i];
      m[i] = f.keep1 * m[i] + f.take1 * g;
      v[i] = f.keep2 * v[i] + f.take2 * g * g;
      root[i - start] = v[i];
    }
    square_roots(root, end - start);
    for (dim_t i = start; i < end; ++i) p[i] = f.decay * p[i] - f.rate * m[i] / (root[i - start] * f.unroot + f.eps);
  }
}

inline double sum_of_squares(const float* x, dim_t n) {
  double s = 0;
#pragma omp simd reduction(+ : s)
  for (dim_t i = 0; i < n; ++i) s += static_cast<double>(x[i]) * x[i];
  return s;
}

}  // namespace cpu_kernel

inline void execute(cpu& backend, const op::adam_step<float>& o, void*) {
  const op::adam_rates& now = o.at ? *o.at : o.now;
  const cpu_kernel::adam_factors f{
      static_cast<float>(now.beta1),   static_cast<float>(1 - now.beta1), static_cast<float>(o.beta2),
      static_cast<float>(1 - o.beta2), static_cast<float>(now.decay),     static_cast<float>(o.penalty),
      static_cast<float>(o.eps),       static_cast<float>(now.rate),      static_cast<float>(1 / now.root)};
  cpu_kernel::over_chunks(backend.threads, o.ranges, [&](dim_t, dim_t at, dim_t n) {
    cpu_kernel::adam(f, o.value + at, o.gradient + at, o.mean + at, o.square + at, n);
  });
}

inline void execute(cpu& backend, const op::sgd_step<float>& o, void*) {
  const op::sgd_rates& now = o.at ? *o.at : o.now;
  const float rate = static_cast<float>(now.lr), momentum = static_cast<float>(now.momentum);
  const float keep = now.first ? 0.f : momentum, take = now.first ? 1.f : static_cast<float>(1 - o.dampening);
  const float penalty = static_cast<float>(o.weight_decay);
  // The step is rate (of_g g + of_m m).
  const float of_g = o.nesterov ? 1.f : 0.f, of_m = o.nesterov ? momentum : 1.f;
  cpu_kernel::over_chunks(backend.threads, o.ranges, [&](dim_t, dim_t at, dim_t n) {
    float* __restrict p = o.value + at;
    const float* __restrict gradient = o.gradient + at;
    if (!o.mean) {
      for (dim_t i = 0; i < n; ++i) p[i] -= rate * (gradient[i] + penalty * p[i]);
      return;
    }
    float* __restrict m = o.mean + at;
    for (dim_t i = 0; i < n; ++i) {
      const float g = gradient[i] + penalty * p[i];
      m[i] = keep * m[i] + take * g;
      p[i] -= rate * (of_g * g + of_m * m[i]);
    }
  });
}

inline std::size_t scratch_bytes(const cpu&, const op::gradient_norm<float>& o) {
  return sizeof(double) * static_cast<std::size_t>(cpu_kernel::optim_chunks(o.ranges));
}

inline void execute(cpu& backend, const op::gradient_norm<float>& o, void* scratch) {
  double* const partial = static_cast<double*>(scratch);
  cpu_kernel::over_chunks(backend.threads, o.ranges, [&](dim_t chunk, dim_t at, dim_t n) {
    partial[chunk] = cpu_kernel::sum_of_squares(o.gradient + at, n);
  });
  double sum = 0;
  for (dim_t c = 0; c < cpu_kernel::optim_chunks(o.ranges); ++c) sum += partial[c];
  *o.norm = std::sqrt(sum);
}

inline void execute(cpu& backend, const op::clip_gradient<float>& o, void*) {
  const double factor = o.max_norm / (*o.norm + 1e-6);
  if (!std::isfinite(*o.norm) || factor >= 1) return;
  const float f = static_cast<float>(factor);
  cpu_kernel::over_chunks(backend.threads, o.ranges, [&](dim_t, dim_t at, dim_t n) {
    for (dim_t i = at; i < at + n; ++i) o.gradient[i] *= f;
  });
}

inline void execute(cpu& backend, const op::average_step<float>& o, void*) {
  const float take = static_cast<float>(1 - o.decay);
  cpu_kernel::over_chunks(backend.threads, o.ranges, [&](dim_t, dim_t at, dim_t n) {
    const float* __restrict value = o.value + at;
    float* __restrict average = o.average + at;
    for (dim_t i = 0; i < n; ++i) average[i] += take * (value[i] - average[i]);
  });
}

}  // namespace avss
