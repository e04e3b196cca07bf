// Distances as losses on the device: sums in double over pieces of fixed size.
#pragma once

#include <avss/core/assignment.hpp>
#include <avss/cuda/passes.cuh>
#include <avss/op/distance_loss.hpp>
#include <avss/reference/distance_loss.hpp>
#include <cmath>

namespace avss {
namespace cuda_kernel {

// Two rows: of n samples, or of n real parts and then n imaginary ones.
struct compared_rows {
  distance_kind kind;
  dim_t n;
  double floor;
  const float *e, *s;

  AVSS_DEVICE double difference(dim_t at) const { return static_cast<double>(e[at]) - s[at]; }
  AVSS_DEVICE double magnitude(const float* row, dim_t t) const { return ref::floored_magnitude(row[t], row[n + t], floor); }
  AVSS_DEVICE bool is_squared() const { return kind == distance_kind::signal_mse || kind == distance_kind::complex_mse; }
  AVSS_DEVICE bool is_of_parts() const { return kind == distance_kind::complex_l1 || kind == distance_kind::complex_mse; }
  AVSS_DEVICE bool is_of_samples() const { return kind == distance_kind::signal_l1 || kind == distance_kind::signal_mse; }

  // What sample or bin t adds; sum[1] is the target's energy, for spectral_convergence alone.
  AVSS_DEVICE void add(dim_t t, double (&sum)[2]) const {
    if (is_of_samples() || is_of_parts()) {
      for (dim_t at = t; at < ref::distance_row(kind, n); at += n) {
        const double d = difference(at);
        sum[0] += is_squared() ? d * d : std::fabs(d);
      }
      return;
    }
    const double x = magnitude(e, t), y = magnitude(s, t);
    if (kind == distance_kind::spectral_convergence) {
      sum[0] += (x - y) * (x - y);
      sum[1] += y * y;
    } else {
      sum[0] += ref::term_of(kind, x, y).value;
    }
  }
};

struct distance_body {
  static constexpr int sums = 2;
  op::distance<float> o;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const dim_t i = at.c / o.sources, j = at.c % o.sources, row = ref::distance_row(o.kind, o.n);
    if (i != j && !o.all) return;
    compared_rows{o.kind, o.n, o.floor, o.estimate + (at.b * o.sources + i) * row, o.target + (at.b * o.sources + j) * row}.add(
        at.t, sum);
  }
};

// A thread for each pair.
struct distance_entries {
  static constexpr int threads = 64;
  static constexpr bool cooperates = false;
  op::distance<float> o;
  const double* partial;  // [B, S S, pieces, 2]
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t at = t.block() * threads + t.index(), pieces = row_pieces(o.n);
    if (at >= o.batch * o.sources * o.sources) return;
    if (at / o.sources % o.sources != at % o.sources && !o.all) return;
    double sum[2] = {0, 0};
    for (dim_t p = 0; p < pieces; ++p)
      for (int k = 0; k < 2; ++k) sum[k] += partial[(at * pieces + p) * 2 + k];
    const bool ratio = o.kind == distance_kind::spectral_convergence;
    const double v = o.scale * (ratio ? std::sqrt(sum[0] / sum[1]) : sum[0] / static_cast<double>(o.n));
    o.pairs[at] = o.accumulate ? o.pairs[at] + v : v;
  }
};

// Both energies of spectral_convergence for each estimate and its target.
struct convergence_body {
  static constexpr int sums = 2;
  op::distance_gradient<float> o;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const dim_t row = (at.b * o.sources + at.c) * ref::distance_row(o.kind, o.n);
    compared_rows{o.kind, o.n, o.floor, o.estimate + row, o.target + row}.add(at.t, sum);
  }
};

struct distance_gradient_body {
  static constexpr int sums = 0;
  op::distance_gradient<float> o;
  const double* partial;  // [B, S, pieces, 2], or null

  AVSS_DEVICE void operator()(const place& p, double*) const {
    const dim_t row = p.b * o.sources + p.c, at = row * ref::distance_row(o.kind, o.n);
    const compared_rows r{o.kind, o.n, o.floor, o.estimate + at, o.target + at};
    float* const d = o.d_estimate + at;
    const double share = o.scale / static_cast<double>(o.n);
    if (r.is_of_samples() || r.is_of_parts()) {
      for (dim_t t = p.t; t < ref::distance_row(o.kind, o.n); t += o.n) {
        const double x = r.difference(t);
        put(d[t], share * (r.is_squared() ? 2 * x : ref::sign(x)));
      }
      return;
    }
    const double re = r.e[p.t], im = r.e[o.n + p.t], x = r.magnitude(r.e, p.t), y = r.magnitude(r.s, p.t);
    const double by_magnitude = partial ? outer(row) * (x - y) : share * ref::term_of(o.kind, x, y).derivative;
    const bool flat = re * re + im * im < o.floor;
    put(d[p.t], flat ? 0 : by_magnitude * re / x);
    put(d[o.n + p.t], flat ? 0 : by_magnitude * im / x);
  }
  // Of spectral_convergence: 1 / sqrt(difference target).
  AVSS_DEVICE double outer(dim_t row) const {
    double sum[2] = {0, 0};
    const dim_t pieces = row_pieces(o.n);
    for (dim_t p = 0; p < pieces; ++p)
      for (int k = 0; k < 2; ++k) sum[k] += partial[(row * pieces + p) * 2 + k];
    return sum[0] == 0 ? 0 : o.scale / std::sqrt(sum[0] * sum[1]);
  }
  AVSS_DEVICE void put(float& to, double g) const { to = static_cast<float>(o.accumulate ? to + g : g); }
};

struct mean_of_pairs {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  op::pair_mean<float> o;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t rows = o.batch * o.sources;
    double sum[1] = {0};
    for (dim_t r = t.index(); r < rows; r += threads) {
      const dim_t j = r % o.sources;
      sum[0] += o.pairs[r * o.sources + j];
      o.permutation[o.slot * rows + r] = static_cast<std::int32_t>(j);
    }
    simt::block_sum(t, sum, t.shared<double>());
    if (t.index() == 0) o.value[o.slot] = sum[0] / static_cast<double>(rows);
  }
};

struct add_pairs_body {
  static constexpr int sums = 0;
  op::add_pairs<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    o.to[at.i] = (o.accumulate ? o.to[at.i] : 0) + o.scale * o.from[at.i];
  }
};

// An item a thread.
struct chosen_sources {
  static constexpr int threads = 64;
  static constexpr bool cooperates = false;
  op::choose_sources<float> o;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t b = t.block() * threads + t.index();
    if (b >= o.batch) return;
    std::int32_t* const chosen = o.permutation + b * o.sources;
    for (dim_t j = 0; j < o.sources; ++j) chosen[j] = static_cast<std::int32_t>(j);
    assign_few(o.sources, o.pairs + b * o.sources * o.sources, chosen);
  }
};

struct place_permutation_body {
  static constexpr int sums = 0;
  op::place_permutation<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t n = o.batch * o.sources;
    o.to[o.slot * n + at.i] = o.permutation[at.i % n];
  }
};

struct permute_sources_body {
  static constexpr int sums = 0;
  op::permute_sources<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t here = at.i, there = (at.b * o.sources + o.permutation[at.b * o.sources + at.c]) * o.length + at.t;
    float& to = o.to[o.back ? there : here];
    const float from = o.from[o.back ? here : there];
    to = o.accumulate ? to + from : from;
  }
};

struct clear_body {
  static constexpr int sums = 0;
  float* to;
  AVSS_DEVICE void operator()(const place& at, double*) const { to[at.i] = 0; }
};

struct distance_scratch {
  distance_scratch(carver& m, dim_t rows, dim_t n) : partial(m.take<double>(rows * row_pieces(n) * 2)) {}
  double* partial;
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::distance<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::distance_scratch(m, o.batch * o.sources * o.sources, o.n); });
}

inline void execute(cuda_backend& backend, const op::distance<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const dim_t pairs = o.sources * o.sources;
  const distance_scratch s(memory, o.batch * pairs, o.n);
  pass_rows(backend, "distances", o.batch, pairs, o.n, distance_body{o}, s.partial);
  launch(backend, "distances, joined", distance_entries{o, s.partial}, blocks_for(o.batch * pairs, distance_entries::threads));
}

inline std::size_t scratch_bytes(const cuda_backend&, const op::distance_gradient<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::distance_scratch(m, o.batch * o.sources, o.n); });
}

inline void execute(cuda_backend& backend, const op::distance_gradient<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const distance_scratch s(memory, o.batch * o.sources, o.n);
  const bool ratio = o.kind == distance_kind::spectral_convergence;
  if (ratio) pass_rows(backend, "energies of spectra", o.batch, o.sources, o.n, convergence_body{o}, s.partial);
  pass_rows(backend, "gradient of distances", o.batch, o.sources, o.n, distance_gradient_body{o, ratio ? s.partial : nullptr});
}

inline void execute(cuda_backend& backend, const op::pair_mean<float>& o, void*) {
  using kernel = cuda_kernel::mean_of_pairs;
  cuda_kernel::launch(backend, "mean of pairs", kernel{o}, 1, simt::sum_doubles<kernel, 1> * sizeof(double));
}
inline void execute(cuda_backend& backend, const op::add_pairs<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "sum of losses", 1, 1, o.n, cuda_kernel::add_pairs_body{o});
}
inline void execute(cuda_backend& backend, const op::choose_sources<float>& o, void*) {
  using kernel = cuda_kernel::chosen_sources;
  check_assignment(o.sources);
  cuda_kernel::launch(backend, "choice of sources", kernel{o}, cuda_kernel::blocks_for(o.batch, kernel::threads));
}
inline void execute(cuda_backend& backend, const op::place_permutation<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "places of a permutation", 1, 1, o.slots * o.batch * o.sources,
                         cuda_kernel::place_permutation_body{o});
}
inline void execute(cuda_backend& backend, const op::permute_sources<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "permuted sources", o.batch, o.sources, o.length, cuda_kernel::permute_sources_body{o});
}
inline void execute(cuda_backend& backend, const op::clear<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "zeros", 1, 1, o.n, cuda_kernel::clear_body{o.to});
}

}  // namespace avss
