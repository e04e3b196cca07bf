// Distances as losses on the device: sums in double over pieces of fixed size.
#pragma once

#include <avss/core/assignment.hpp>
#include <avss/cuda/passes.cuh>
#include <avss/op/distance_loss.hpp>
#include <avss/reference/distance_loss.hpp>

namespace avss {
namespace cuda_kernel {

// Two signals, or the magnitudes of two spectra, at one place.
struct distance_pair {
  distance_kind kind;
  dim_t n;
  double floor;
  const float *e, *s;  // rows of each

  AVSS_DEVICE bool of_parts() const { return kind <= distance_kind::complex_mse; }
  AVSS_DEVICE bool squared() const { return kind == distance_kind::signal_mse || kind == distance_kind::complex_mse; }
  AVSS_DEVICE double difference(dim_t t) const { return static_cast<double>(e[t]) - s[t]; }
  AVSS_DEVICE double magnitude(const float* x, dim_t t) const { return ref::floored_magnitude(x[t], x[n + t], floor); }
};
static_assert(distance_kind::signal_mse < distance_kind::complex_mse &&
                  distance_kind::complex_mse < distance_kind::magnitude_l1,
              "kinds that differ part by part come first");

// What one pass goes through: the bins for magnitudes, else every number of a row.
AVSS_HOST_DEVICE inline dim_t distance_places(distance_kind kind, dim_t n) {
  return kind <= distance_kind::complex_mse ? ref::distance_row(kind, n) : n;
}

// Sums: of the distance; for spectral_convergence of (|E| - |S|)^2 and |S|^2. Rows [B, S S], or [B, S] where i = j alone.
struct distance_body {
  static constexpr int sums = 2;
  op::distance<float> o;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[2]) const {
    const dim_t i = o.all ? at.c / o.sources : at.c, j = o.all ? at.c % o.sources : at.c, row = ref::distance_row(o.kind, o.n);
    const distance_pair p{o.kind, o.n, o.floor, o.estimate + (at.b * o.sources + i) * row,
                          o.target + (at.b * o.sources + j) * row};
    if (p.of_parts()) {
      const double d = p.difference(at.t);
      sum[0] += p.squared() ? d * d : std::abs(d);
      return;
    }
    const double x = p.magnitude(p.e, at.t), y = p.magnitude(p.s, at.t);
    if (o.kind == distance_kind::spectral_convergence) {
      sum[0] += (x - y) * (x - y);
      sum[1] += y * y;
    } else {
      sum[0] += ref::term_of(o.kind, x, y).value;
    }
  }
};

// The sums of a row over its pieces.
AVSS_DEVICE inline void join_pieces(const double* partial, dim_t row, dim_t pieces, double (&sum)[2]) {
  sum[0] = sum[1] = 0;
  for (dim_t p = 0; p < pieces; ++p)
    for (int k = 0; k < 2; ++k) sum[k] += partial[(row * pieces + p) * 2 + k];
}

// A thread for each row of distance_body.
struct distance_totals {
  static constexpr int threads = 64;
  static constexpr bool cooperates = false;
  op::distance<float> o;
  dim_t each;  // rows of an item
  const double* partial;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t row = t.block() * threads + t.index(), c = row % each;
    if (row >= o.batch * each) return;
    double sum[2];
    join_pieces(partial, row, row_pieces(distance_places(o.kind, o.n)), sum);
    const bool ratio = o.kind == distance_kind::spectral_convergence;
    const double v =
        o.scale * (ratio ? std::sqrt(sum[0] / ref::convergence_energy(sum[1], o.n)) : sum[0] / static_cast<double>(o.n));
    double& to = o.pairs[row / each * o.sources * o.sources + (o.all ? c : c * o.sources + c)];
    to = o.accumulate ? to + v : v;
  }
};

// What the derivative of a row's spectral convergence by a magnitude is times (|E| - |S|).
struct convergence_factors {
  static constexpr int threads = 64;
  static constexpr bool cooperates = false;
  dim_t rows, pieces, bins;
  double scale;
  const double* partial;
  double* factor;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t row = t.block() * threads + t.index();
    if (row >= rows) return;
    double sum[2];
    join_pieces(partial, row, pieces, sum);
    factor[row] = sum[0] == 0 ? 0 : scale / std::sqrt(sum[0] * ref::convergence_energy(sum[1], bins));
  }
};

// Rows [B, S].
struct distance_gradient_body {
  static constexpr int sums = 0;
  op::distance_gradient<float> o;
  const double* factor;  // of rows, for spectral_convergence
  AVSS_DEVICE void put(float* d, dim_t t, double g) const { d[t] = static_cast<float>(o.accumulate ? d[t] + g : g); }
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t r = at.b * o.sources + at.c, begin = r * ref::distance_row(o.kind, o.n);
    const distance_pair p{o.kind, o.n, o.floor, o.estimate + begin, o.target + begin};
    float* const d = o.d_estimate + begin;
    const double share = o.scale / static_cast<double>(o.n);
    if (p.of_parts()) {
      const double x = p.difference(at.t);
      return put(d, at.t, share * (p.squared() ? 2 * x : ref::sign(x)));
    }
    const double re = p.e[at.t], im = p.e[o.n + at.t], x = p.magnitude(p.e, at.t), y = p.magnitude(p.s, at.t);
    const bool ratio = o.kind == distance_kind::spectral_convergence;
    const double by_magnitude = ratio ? factor[r] * (x - y) : share * ref::term_of(o.kind, x, y).derivative;
    const bool flat = re * re + im * im < o.floor;
    put(d, at.t, flat ? 0 : by_magnitude * re / x);
    put(d, o.n + at.t, flat ? 0 : by_magnitude * im / x);
  }
};

struct distance_scratch {
  distance_scratch(carver& m, distance_kind kind, dim_t n, dim_t rows)
      : partial(m.take<double>(rows * row_pieces(distance_places(kind, n)) * distance_body::sums)) {}
  double* partial;
};

// For the gradient; only spectral_convergence needs the sums again.
struct distance_gradient_scratch {
  distance_gradient_scratch(carver& m, const op::distance_gradient<float>& o)
      : sums(m, o.kind, o.n, o.kind == distance_kind::spectral_convergence ? o.batch * o.sources : 0),
        factor(m.take<double>(o.kind == distance_kind::spectral_convergence ? o.batch * o.sources : 0)) {}
  distance_scratch sums;
  double* factor;
};

// The mean, and the permutation that leaves all where it is.
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
  op::add_pairs<float> o;
  AVSS_DEVICE void operator()(dim_t i) const { o.to[i] = (o.accumulate ? o.to[i] : 0) + o.scale * o.from[i]; }
};
struct choose_sources_body {
  op::choose_sources<float> o;
  assignment_room* room;  // [B], or null where nobody needs it
  AVSS_DEVICE void operator()(dim_t b) const { ref::choose_sources_of_item(o, b, room ? room + b : nullptr); }
};
struct place_permutation_body {
  op::place_permutation<float> o;
  AVSS_DEVICE void operator()(dim_t i) const {
    const dim_t n = o.batch * o.sources;
    o.to[o.slot * n + i] = o.permutation[i % n];
  }
};
struct clear_body {
  op::clear<float> o;
  AVSS_DEVICE void operator()(dim_t i) const { o.to[i] = 0; }
};

struct permute_sources_body {
  static constexpr int sums = 0;
  op::permute_sources<float> o;
  AVSS_DEVICE void operator()(const place& at, double*) const {
    const dim_t first = at.b * o.sources, there = (first + o.permutation[first + at.c]) * o.length + at.t;
    const float from = o.from[o.back ? at.i : there];
    float& to = o.to[o.back ? there : at.i];
    to = o.accumulate ? to + from : from;
  }
};

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::distance<float>& o) {
  const dim_t rows = o.batch * o.sources * (o.all ? o.sources : 1);
  return layout_bytes([&](carver& m) { cuda_kernel::distance_scratch(m, o.kind, o.n, rows); });
}
inline std::size_t scratch_bytes(const cuda_backend&, const op::distance_gradient<float>& o) {
  return layout_bytes([&](carver& m) { cuda_kernel::distance_gradient_scratch(m, o); });
}

inline void execute(cuda_backend& backend, const op::distance<float>& o, void* scratch) {
  using namespace cuda_kernel;
  const dim_t each = o.sources * (o.all ? o.sources : 1);
  carver memory(scratch);
  const distance_scratch s(memory, o.kind, o.n, o.batch * each);
  pass_rows(backend, "distances", o.batch, each, distance_places(o.kind, o.n), distance_body{o}, s.partial);
  launch(backend, "distances, joined", distance_totals{o, each, s.partial},
         blocks_for(o.batch * each, distance_totals::threads));
}

inline void execute(cuda_backend& backend, const op::distance_gradient<float>& o, void* scratch) {
  using namespace cuda_kernel;
  carver memory(scratch);
  const distance_gradient_scratch s(memory, o);
  const dim_t places = distance_places(o.kind, o.n);
  if (o.kind == distance_kind::spectral_convergence) {
    const op::distance<float> again{o.batch,  o.sources, o.n,     o.kind, o.floor, o.estimate,
                                    o.target, false,     o.scale, false,  nullptr};
    pass_rows(backend, "energies of spectra", o.batch, o.sources, places, distance_body{again}, s.sums.partial);
    launch(backend, "factors of convergence",
           convergence_factors{o.batch * o.sources, row_pieces(places), o.n, o.scale, s.sums.partial, s.factor},
           blocks_for(o.batch * o.sources, convergence_factors::threads));
  }
  pass_rows(backend, "gradient of distances", o.batch, o.sources, places, distance_gradient_body{o, s.factor});
}

inline void execute(cuda_backend& backend, const op::pair_mean<float>& o, void*) {
  using kernel = cuda_kernel::mean_of_pairs;
  cuda_kernel::launch(backend, "mean of pairs", kernel{o}, 1, simt::sum_doubles<kernel, 1> * sizeof(double));
}
inline void execute(cuda_backend& backend, const op::add_pairs<float>& o, void*) {
  cuda_kernel::pass_values(backend, "sum of pairs", 0, o.n, cuda_kernel::add_pairs_body{o});
}
inline std::size_t scratch_bytes(const cuda_backend&, const op::choose_sources<float>& o) {
  return layout_bytes([&](carver& m) { m.take<assignment_room>(assignment_rooms(o.sources, o.batch)); });
}
inline void execute(cuda_backend& backend, const op::choose_sources<float>& o, void* scratch) {
  check_assignment(o.sources);
  const dim_t rooms = assignment_rooms(o.sources, o.batch);
  carver memory(scratch);
  assignment_room* const room = rooms ? memory.take<assignment_room>(rooms) : nullptr;
  cuda_kernel::pass_values(backend, "choice of sources", 0, o.batch, cuda_kernel::choose_sources_body{o, room});
}
inline void execute(cuda_backend& backend, const op::place_permutation<float>& o, void*) {
  cuda_kernel::pass_values(backend, "permutations", 0, o.slots * o.batch * o.sources, cuda_kernel::place_permutation_body{o});
}
inline void execute(cuda_backend& backend, const op::clear<float>& o, void*) {
  cuda_kernel::pass_values(backend, "clearing", 0, o.n, cuda_kernel::clear_body{o});
}
inline void execute(cuda_backend& backend, const op::permute_sources<float>& o, void*) {
  cuda_kernel::pass_rows(backend, "reordering of sources", o.batch, o.sources, o.length, cuda_kernel::permute_sources_body{o});
}

}  // namespace avss
