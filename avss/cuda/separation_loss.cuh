// Losses of second moments on the device: sums in double over pieces of fixed size.
#pragma once

#include <avss/core/assignment.hpp>
#include <avss/cuda/passes.cuh>
#include <avss/op/separation_loss.hpp>
#include <avss/reference/separation_loss.hpp>

namespace avss {
namespace cuda_kernel {

// Sums of estimates and of targets: rows [B, 2 S].
struct signal_sum_body {
  static constexpr int sums = 1;
  op::pair_moments<float> o;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[1]) const {
    const bool target = at.c >= o.sources;
    sum[0] += (target ? o.target : o.estimate)[(at.b * o.sources + at.c % o.sources) * o.length + at.t];
  }
};

// The means, a thread for each row.
struct signal_means {
  static constexpr int threads = 64;
  static constexpr bool cooperates = false;
  op::pair_moments<float> o;
  const double* partial;  // [B, 2 S, pieces]
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t row = t.block() * threads + t.index(), rows = 2 * o.sources, pieces = row_pieces(o.length);
    if (row >= o.batch * rows) return;
    const moment_layout at{o.sources};
    double sum = 0;
    if (o.zero_mean)
      for (dim_t p = 0; p < pieces; ++p) sum += partial[row * pieces + p];
    const dim_t c = row % rows;
    o.moments[row / rows * at.size() + (c < o.sources ? at.estimate_mean(c) : at.target_mean(c - o.sources))] =
        sum / static_cast<double>(o.length);
  }
};

// x, y an estimate and a target without their means. Sums: x^2, y^2, x y, (x - y)^2; rows [B, S S].
struct pair_sum_body {
  static constexpr int sums = 4;
  op::pair_moments<float> o;
  AVSS_DEVICE void operator()(const place& p, double (&sum)[4]) const {
    const moment_layout at{o.sources};
    const double* const m = o.moments + p.b * at.size();
    const dim_t i = p.c / o.sources, j = p.c % o.sources;
    const double x = o.estimate[(p.b * o.sources + i) * o.length + p.t] - m[at.estimate_mean(i)];
    const double y = o.target[(p.b * o.sources + j) * o.length + p.t] - m[at.target_mean(j)];
    sum[0] += x * x;
    sum[1] += y * y;
    sum[2] += x * y;
    sum[3] += (x - y) * (x - y);
  }
};

struct pair_totals {
  static constexpr int threads = 64;
  static constexpr bool cooperates = false;
  op::pair_moments<float> o;
  const double* partial;  // [B, S S, pieces, 4]
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t row = t.block() * threads + t.index(), pairs = o.sources * o.sources, pieces = row_pieces(o.length);
    if (row >= o.batch * pairs) return;
    double sum[4] = {0, 0, 0, 0};
    for (dim_t p = 0; p < pieces; ++p)
      for (int k = 0; k < 4; ++k) sum[k] += partial[(row * pieces + p) * 4 + k];
    const moment_layout at{o.sources};
    double* const m = o.moments + row / pairs * at.size();
    const dim_t i = row % pairs / o.sources, j = row % o.sources;
    if (j == 0) m[at.estimate_energy(i)] = sum[0];
    if (i == 0) m[at.target_energy(j)] = sum[1];
    m[at.product(i, j)] = sum[2];
    m[at.distance(i, j)] = sum[3];
  }
};

// A few numbers an item: a thread for each item.
struct item_ratios {
  static constexpr int threads = 64;
  static constexpr bool cooperates = true;
  op::energy_ratio<float> o;
  assignment_room* room;  // [B], or null where nobody needs it
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    double sum[1] = {0};
    for (dim_t b = t.index(); b < o.batch; b += threads) sum[0] += ref::energy_ratio_of_item(o, b, room ? room + b : nullptr);
    simt::block_sum(t, sum, t.shared<double>());
    if (t.index() == 0) o.value[o.slot] = sum[0] / static_cast<double>(o.batch * o.sources);
  }
};

struct pair_gradient_body {
  static constexpr int sums = 0;
  op::pair_gradient<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t row = at.b * o.sources + at.c;
    const dim_t to = (at.b * o.sources + o.permutation[o.slot * o.batch * o.sources + row]) * o.length + at.t;
    const double* const c = o.coefficient + row * 3;
    const float g = static_cast<float>(c[0] * o.estimate[to] + c[1] * o.target[at.i] + c[2]);
    o.d_estimate[to] = o.accumulate ? o.d_estimate[to] + g : g;
  }
};

struct pair_moments_scratch {
  pair_moments_scratch(carver& m, const op::pair_moments<float>& o)
      : signals(m.take<double>(o.batch * 2 * o.sources * row_pieces(o.length))),
        pairs(m.take<double>(o.batch * o.sources * o.sources * row_pieces(o.length) * 4)) {}
  double *signals, *pairs;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::pair_moments<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::pair_moments_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::pair_moments<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const pair_moments_scratch s(memory, o);
  if (o.zero_mean) pass_rows(backend, "sums of signals", o.batch, 2 * o.sources, o.length, signal_sum_body{o}, s.signals);
  launch(backend, "means of signals", signal_means{o, s.signals}, blocks_for(o.batch * 2 * o.sources, signal_means::threads));
  pass_rows(backend, "moments of pairs", o.batch, o.sources * o.sources, o.length, pair_sum_body{o}, s.pairs);
  launch(backend, "moments of pairs, joined", pair_totals{o, s.pairs},
         blocks_for(o.batch * o.sources * o.sources, pair_totals::threads));
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::energy_ratio<float>& o) {
  return layout_bytes([&](carver& m) { m.take<assignment_room>(o.permute ? assignment_rooms(o.sources, o.batch) : 0); });
}

inline void execute(cuda_backend& backend, const op::energy_ratio<float>& o, void* scratch) {
  using kernel = cuda_kernel::item_ratios;
  if (o.permute) check_assignment(o.sources);
  const dim_t rooms = o.permute ? assignment_rooms(o.sources, o.batch) : 0;
  carver memory(scratch);
  assignment_room* const room = rooms ? memory.take<assignment_room>(rooms) : nullptr;
  cuda_kernel::launch(backend, "energy ratios", kernel{o, room}, 1, simt::sum_doubles<kernel, 1> * sizeof(double));
}

inline void execute(cuda_backend& backend, const op::pair_gradient<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "gradient of energy ratios", o.batch, o.sources, o.length,
                         cuda_kernel::pair_gradient_body{o});
}

}  // namespace avss
