// Distances as losses, and what permuting any loss needs, on any backend against the definition in double.
#pragma once

#include <gtest/gtest.h>

#include <avss/op/distance_loss.hpp>
#include <avss/reference/distance_loss.hpp>
#include <cmath>
#include <string>
#include <tests/op/bench.hpp>
#include <tests/support/compare.hpp>
#include <vector>

namespace avss::test {

struct distance_case {
  distance_kind kind;
  dim_t batch, sources, n;
  bool all, accumulate;
  double floor = 0.3;  // some bins of the drawn spectra are below it
};

// Pairs that are not made stay as they are.
inline bool in_diagonal(const distance_case& c, std::size_t pair) {
  const dim_t at = static_cast<dim_t>(pair);
  return at / c.sources % c.sources == at % c.sources;
}

struct distance_result {
  std::vector<double> pairs, gradient;
};

template <class B>
distance_result distance_on(const distance_case& c) {
  using T = typename B::value_type;
  const dim_t row = ref::distance_row(c.kind, c.n), rows = c.batch * c.sources;
  bench<B> b;
  const auto e = bench<B>::drawn("estimate", rows * row);
  auto s = bench<B>::drawn("target", rows * row);
  s[0] = e[0];  // two numbers that are equal
  typename bench<B>::template array<double> pairs(static_cast<std::size_t>(rows * c.sources), 0.25);
  auto gradient = c.accumulate ? bench<B>::drawn("gradient", rows * row) : bench<B>::unset(rows * row);
  if (!c.accumulate)
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = c.all || in_diagonal(c, i) ? std::nan("") : 0.25;
  b.run(op::distance<T>{c.batch, c.sources, c.n, c.kind, c.floor, e.data(), s.data(), c.all, 0.7, c.accumulate, pairs.data()});
  b.run(op::distance_gradient<T>{c.batch, c.sources, c.n, c.kind, c.floor, e.data(), s.data(), 1.3, c.accumulate,
                                 gradient.data()});
  return {{pairs.begin(), pairs.end()}, {gradient.begin(), gradient.end()}};
}

inline constexpr distance_kind distance_kinds[] = {
    distance_kind::signal_l1,        distance_kind::signal_mse,        distance_kind::complex_l1,
    distance_kind::complex_mse,      distance_kind::magnitude_l1,      distance_kind::magnitude_mse,
    distance_kind::log_magnitude_l1, distance_kind::log_magnitude_mse, distance_kind::spectral_convergence};

// At and around the pieces in which sums are made.
template <class B>
void check_distances(double limit) {
  int i = 0;
  for (const distance_kind kind : distance_kinds)
    for (const dim_t n : {1, 7, 2049, 4096, 4097, 9001})
      for (const dim_t sources : {1, 3}) {
        const distance_case c{kind, 1 + i % 2, sources, n, i % 3 == 0, i % 5 < 2};
        SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)) + " n " + std::to_string(n) + " sources " +
                     std::to_string(sources) + (c.all ? " all" : "") + (c.accumulate ? " added" : ""));
        const distance_result ours = distance_on<B>(c), exact = distance_on<reference<double>>(c);
        expect_close(ours.pairs, exact.pairs, 1e-9, "pairs");
        expect_close(ours.gradient, exact.gradient, limit, "gradient");
        ++i;
      }
}

struct chosen_result {
  std::vector<std::int32_t> permutations;
  std::vector<double> values, signals;
};

template <class B>
chosen_result permuted_on(dim_t sources) {
  using T = typename B::value_type;
  using bench = bench<B>;
  constexpr dim_t batch = 3, length = 4099;
  const dim_t rows = batch * sources;
  bench b;
  typename bench::template array<std::int32_t> chosen(static_cast<std::size_t>(rows)),
      all(static_cast<std::size_t>(4 * rows), 9);
  auto pairs = bench::template unset<double>(rows * sources), value = bench::template unset<double>(2);
  const std::vector<double> drawn = draw("pairs", rows * sources);
  const typename bench::template array<double> given(drawn.begin(), drawn.end());
  const auto x = bench::drawn("x", rows * length);
  auto there = bench::unset(rows * length), back = bench::unset(rows * length);
  value[0] = 5;
  b.run(op::add_pairs<T>{rows * sources, given.data(), 0.5, false, pairs.data()});
  b.run(op::add_pairs<T>{rows * sources, given.data(), -2, true, pairs.data()});
  b.run(op::pair_mean<T>{batch, sources, pairs.data(), 1, value.data(), all.data()});
  b.run(op::choose_sources<T>{batch, sources, pairs.data(), chosen.data()});
  b.run(op::place_permutation<T>{batch, sources, 2, 2, chosen.data(), all.data()});
  b.run(op::permute_sources<T>{batch, sources, length, chosen.data(), x.data(), false, false, there.data()});
  b.run(op::clear<T>{rows * length, back.data()});
  b.run(op::permute_sources<T>{batch, sources, length, chosen.data(), x.data(), true, true, back.data()});
  b.run(op::permute_sources<T>{batch, sources, length, chosen.data(), there.data(), true, true, back.data()});
  chosen_result r{{all.begin(), all.end()}, {pairs.begin(), pairs.end()}, {there.begin(), there.end()}};
  r.values.insert(r.values.end(), value.begin(), value.end());
  r.signals.insert(r.signals.end(), back.begin(), back.end());
  return r;
}

template <class B>
void check_permuting() {
  for (const dim_t sources : {1, 2, 3, 7}) {
    SCOPED_TRACE(sources);
    const chosen_result ours = permuted_on<B>(sources), exact = permuted_on<reference<double>>(sources);
    EXPECT_EQ(ours.permutations, exact.permutations);
    expect_close(ours.values, exact.values, 1e-12, "pairs and their mean");
    expect_close(ours.signals, exact.signals, 1e-7, "signals");
  }
}

}  // namespace avss::test
