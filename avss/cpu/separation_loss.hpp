// Losses of second moments on the CPU: sums in double over chunks of fixed size, added up in their order.
#pragma once

#include <algorithm>
#include <avss/core/parallel.hpp>
#include <avss/cpu/backend.hpp>
#include <avss/op/separation_loss.hpp>
#include <avss/reference/separation_loss.hpp>
#include <cstddef>

namespace avss {
namespace cpu_kernel {

inline constexpr dim_t loss_chunk = 4096;  // samples; two rows of them fit into the first cache

inline dim_t loss_chunks(dim_t length) { return (length + loss_chunk - 1) / loss_chunk; }

inline double sum(const float* x, dim_t n) {
  double s = 0;
#pragma omp simd reduction(+ : s)
  for (dim_t t = 0; t < n; ++t) s += x[t];
  return s;
}

inline double energy(const float* x, double mean, dim_t n) {
  double s = 0;
#pragma omp simd reduction(+ : s)
  for (dim_t t = 0; t < n; ++t) s += (x[t] - mean) * (x[t] - mean);
  return s;
}

// product = sum x y, distance = sum (x - y)^2, both signals without their means.
inline void pair_sums(const float* x, double x_mean, const float* y, double y_mean, dim_t n, double& product,
                      double& distance) {
  double xy = 0, dd = 0;
#pragma omp simd reduction(+ : xy, dd)
  for (dim_t t = 0; t < n; ++t) {
    const double a = x[t] - x_mean, b = y[t] - y_mean;
    xy += a * b;
    dd += (a - b) * (a - b);
  }
  product = xy;
  distance = dd;
}

}  // namespace cpu_kernel

// One row of partial moments for each chunk.
inline std::size_t scratch_bytes(const cpu&, const op::pair_moments<float>& o) {
  return sizeof(double) *
         static_cast<std::size_t>(o.batch * cpu_kernel::loss_chunks(o.length) * moment_layout{o.sources}.size());
}

inline void execute(cpu& backend, const op::pair_moments<float>& o, void* scratch) {
  namespace k = cpu_kernel;
  const dim_t n = o.sources, chunks = k::loss_chunks(o.length);
  const moment_layout at{n};
  double* const partial = static_cast<double*>(scratch);

  // Runs body(m, part, e, s, count) for every chunk of every item, then adds up the moments [first, last).
  const auto over_chunks = [&](dim_t first, dim_t last, auto&& body) {
    parallel_for(backend.threads, o.batch * chunks, [&](dim_t piece, int) {
      const dim_t b = piece / chunks, start = piece % chunks * k::loss_chunk;
      const dim_t row = b * n * o.length + start;
      body(o.moments + b * at.size(), partial + piece * at.size(), o.estimate + row, o.target + row,
           std::min(k::loss_chunk, o.length - start));
    });
    for (dim_t b = 0; b < o.batch; ++b)
      for (dim_t f = first; f < last; ++f) {
        double s = 0;
        for (dim_t c = 0; c < chunks; ++c) s += partial[(b * chunks + c) * at.size() + f];
        o.moments[b * at.size() + f] = s;
      }
  };

  const dim_t means = at.estimate_energy(0);
  if (o.zero_mean) {
    over_chunks(0, means, [&](const double*, double* part, const float* e, const float* s, dim_t count) {
      for (dim_t i = 0; i < n; ++i) {
        part[at.estimate_mean(i)] = k::sum(e + i * o.length, count);
        part[at.target_mean(i)] = k::sum(s + i * o.length, count);
      }
    });
    for (dim_t b = 0; b < o.batch; ++b)
      for (dim_t f = 0; f < means; ++f) o.moments[b * at.size() + f] /= static_cast<double>(o.length);
  } else {
    for (dim_t b = 0; b < o.batch; ++b) std::fill_n(o.moments + b * at.size(), means, 0.0);
  }

  over_chunks(means, at.size(), [&](const double* m, double* part, const float* e, const float* s, dim_t count) {
    for (dim_t i = 0; i < n; ++i) {
      const double e_mean = m[at.estimate_mean(i)];
      part[at.estimate_energy(i)] = k::energy(e + i * o.length, e_mean, count);
      part[at.target_energy(i)] = k::energy(s + i * o.length, m[at.target_mean(i)], count);
      for (dim_t j = 0; j < n; ++j)
        k::pair_sums(e + i * o.length, e_mean, s + j * o.length, m[at.target_mean(j)], count, part[at.product(i, j)],
                     part[at.distance(i, j)]);
    }
  });
}

// A few numbers an item: the plain loops serve.
inline void execute(cpu&, const op::energy_ratio<float>& o, void*) { ref::energy_ratio(o); }

inline void execute(cpu& backend, const op::pair_gradient<float>& o, void*) {
  namespace k = cpu_kernel;
  const dim_t chunks = k::loss_chunks(o.length);
  parallel_for(backend.threads, o.batch * o.sources * chunks, [&](dim_t piece, int) {
    const dim_t row = piece / chunks, b = row / o.sources, start = piece % chunks * k::loss_chunk;
    const dim_t i = b * o.sources + o.permutation[o.slot * o.batch * o.sources + row];
    const dim_t count = std::min(k::loss_chunk, o.length - start);
    const float* e = o.estimate + i * o.length + start;
    const float* s = o.target + row * o.length + start;
    float* d = o.d_estimate + i * o.length + start;
    const double c0 = o.coefficient[row * 3], c1 = o.coefficient[row * 3 + 1], c2 = o.coefficient[row * 3 + 2];
    if (o.accumulate)
      for (dim_t t = 0; t < count; ++t) d[t] += static_cast<float>(c0 * e[t] + c1 * s[t] + c2);
    else
      for (dim_t t = 0; t < count; ++t) d[t] = static_cast<float>(c0 * e[t] + c1 * s[t] + c2);
  });
}

}  // namespace avss
