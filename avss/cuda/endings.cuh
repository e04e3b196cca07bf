// What a pass does with its sums at its end: the block that is the last of a group to end has all sums of the group in memory,
// and makes of them what would otherwise be a launch of its own. Which block that is differs from run to run; what it adds, and
// in which order, does not.
#pragma once

#include <avss/core/host_device.hpp>
#include <avss/cuda/backend.cuh>

namespace avss::cuda_kernel {

// The blocks of a pass over [B, C, T] whose sums belong together.
enum class rows_of { item, channel, all };

// The sizes of a pass: rows are in so many pieces, a block each.
struct pass_size {
  dim_t batch, channels, pieces;

  AVSS_HOST_DEVICE constexpr dim_t parts() const { return batch * channels * pieces; }
  AVSS_HOST_DEVICE constexpr dim_t groups(rows_of of) const {
    return of == rows_of::item ? batch : of == rows_of::channel ? channels : 1;
  }
  // Blocks of a group, and the group of a row.
  AVSS_HOST_DEVICE constexpr dim_t blocks(rows_of of) const { return parts() / groups(of); }
  AVSS_DEVICE constexpr dim_t group(rows_of of, dim_t row) const {
    return of == rows_of::item ? row / channels : of == rows_of::channel ? row % channels : 0;
  }
  // The i-th part of a group's: index of a block's sums.
  AVSS_DEVICE constexpr dim_t part(rows_of of, dim_t group, dim_t i) const {
    if (of != rows_of::channel) return group * blocks(of) + i;
    return (i / pieces * channels + group) * pieces + i % pieces;
  }
};

// finish(t, n, of, group, shared) for every group; by all threads of a block.
//   Finish::sums: doubles of every thread that it sums over a block
template <class Finish>
struct ending {
  rows_of of;
  Finish finish;
  bool wanted = true;
};

// Endings one after another; sums: as of a Finish, the most.
template <class... Endings>
struct endings {
  static constexpr int sums = 0;
  constexpr dim_t groups(const pass_size&) const { return 0; }
  template <class F>
  void each(const F&) const {}
  // Behind a block's sums, by all its threads. counters: zeros, and zeros again when the pass has ended.
  AVSS_DEVICE void end_block(const simt::thread&, const pass_size&, dim_t, unsigned*, double*, dim_t = 0) const {}
};
template <class First, class... Rest>
struct endings<First, Rest...> {
  static constexpr int own = decltype(First::finish)::sums, others = endings<Rest...>::sums;
  static constexpr int sums = own > others ? own : others;
  First first;
  endings<Rest...> rest;

  constexpr dim_t groups(const pass_size& n) const { return n.groups(first.of) + rest.groups(n); }
  template <class F>
  void each(const F& f) const {
    f(first);
    rest.each(f);
  }
  AVSS_DEVICE void end_block(const simt::thread& t, const pass_size& n, dim_t row, unsigned* counters, double* shared,
                             dim_t counter = 0) const {
    const dim_t group = n.group(first.of, row);
    if (first.wanted && t.last_of(counters, counter + group, n.blocks(first.of))) first.finish(t, n, first.of, group, shared);
    rest.end_block(t, n, row, counters, shared, counter + n.groups(first.of));
  }
};

inline constexpr endings<> endings_of() { return {}; }
template <class First, class... Rest>
constexpr endings<First, Rest...> endings_of(const First& first, const Rest&... rest) {
  return {first, endings_of(rest...)};
}

template <class First, class... Rest>
constexpr endings<First, Rest...> and_then(const First& first, const endings<Rest...>& rest) {
  return {first, rest};
}

// A launch of its own, where there are more groups than counters: a block for each.
template <class Ending>
struct ending_pass {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  Ending e;
  pass_size n;
  AVSS_DEVICE void operator()(const simt::thread& t) const { e.finish(t, n, e.of, t.block(), t.shared<double>()); }
};
template <class Ending>
void end_pass(const cuda_backend& backend, const char* name, const Ending& e, const pass_size& n) {
  using pass = ending_pass<Ending>;
  if (e.wanted)
    launch(backend, name, pass{e, n}, n.groups(e.of), simt::sum_doubles<pass, decltype(e.finish)::sums> * sizeof(double));
}

// pass(endings, counters) launches the pass; what does not fit into it comes behind it.
template <class... E, class Pass>
void with_endings(const cuda_backend& backend, const char* name, const pass_size& n, const endings<E...>& last,
                  const Pass& pass) {
  if constexpr (sizeof...(E) == 0) {
    pass(last, nullptr);
  } else if (last.groups(n) <= cuda_backend::block_counters) {
    pass(last, backend.counters());
  } else {
    pass(endings<>{}, nullptr);
    last.each([&](const auto& e) { end_pass(backend, name, e, n); });
  }
}

// to_k[group] += the group's sums, for those k whose `to` is not null.   partial [parts, N]
template <int N>
struct add_sums {
  static constexpr int sums = N;
  const double* partial;
  float* to[N];
  AVSS_DEVICE void operator()(const simt::thread& t, const pass_size& n, rows_of of, dim_t group, double* shared) const {
    double sum[N] = {};
    for (dim_t i = t.index(); i < n.blocks(of); i += t.count()) {
      const double* const part = partial + n.part(of, group, i) * N;
      for (int k = 0; k < N; ++k) sum[k] += part[k];
    }
    simt::block_sum(t, sum, shared);
    if (t.index() == 0)
      for (int k = 0; k < N; ++k)
        if (to[k]) to[k][group] += static_cast<float>(sum[k]);
  }
};

// to[0] += the sum of all parts' partial[part, at], of `width`
struct add_one {
  static constexpr int sums = 1;
  const double* partial;
  dim_t width, at;
  float* to;
  AVSS_DEVICE void operator()(const simt::thread& t, const pass_size& n, rows_of, dim_t, double* shared) const {
    double sum[1] = {0};
    for (dim_t i = t.index(); i < n.parts(); i += t.count()) sum[0] += partial[i * width + at];
    simt::block_sum(t, sum, shared);
    if (t.index() == 0) *to += static_cast<float>(sum[0]);
  }
};
// Nothing where `to` is null.
inline ending<add_one> add_total(const double* partial, dim_t width, dim_t at, float* to) {
  return {rows_of::all, {partial, width, at, to}, to != nullptr};
}

// make(group, sums) of the first two of Width sums.   Make::weight(row): what those of a row count
template <class Make, int Width = 2>
struct make_of_sums {
  static constexpr int sums = 2;
  const double* partial;  // [parts, Width]
  Make make;
  AVSS_DEVICE void operator()(const simt::thread& t, const pass_size& n, rows_of of, dim_t group, double* shared) const {
    double sum[2] = {0, 0};
    for (dim_t i = t.index(); i < n.blocks(of); i += t.count()) {
      const dim_t at = n.part(of, group, i);
      const double weight = make.weight(at / n.pieces % n.channels);
      for (int k = 0; k < 2; ++k) sum[k] += weight * partial[at * Width + k];
    }
    simt::block_sum(t, sum, shared);
    if (t.index() == 0) make(group, sum);
  }
};

}  // namespace avss::cuda_kernel
