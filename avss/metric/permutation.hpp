// The assignment of estimates to targets that scores best (permutation-invariant evaluation; Yu et al., ICASSP 2017).
#pragma once

#include <algorithm>
#include <avss/core/assignment.hpp>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <tuple>
#include <vector>

namespace avss {

namespace detail {

// n! orders in lexicographic order; the first of equals wins. A NaN or -inf is worse than any number, +inf better.
inline std::vector<std::size_t> best_permutation_exhaustive(std::span<const double> score, std::size_t n) {
  std::vector<std::size_t> order(n), best;
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::tuple<int, int, double> best_value;
  do {
    int worst = 0, perfect = 0;
    double sum = 0;
    for (std::size_t t = 0; t < n; ++t) {
      const double s = score[order[t] * n + t];
      if (std::isfinite(s))
        sum += s;
      else if (s > 0)
        ++perfect;
      else
        ++worst;
    }
    const std::tuple value{-worst, perfect, sum};
    if (best.empty() || value > best_value) {
      best_value = value;
      best = order;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

// The general method, on costs from 0 to 1 that stand for the scores.
inline std::vector<std::size_t> best_permutation_by_prices(std::span<const double> score, std::size_t n) {
  // Finite stand-ins for what is not: a +inf outweighs all finite differences together, a NaN or -inf outweighs n +inf.
  double low = std::numeric_limits<double>::infinity(), high = -low;
  bool finite = true;
  for (double s : score)
    if (std::isfinite(s))
      low = std::min(low, s), high = std::max(high, s);
    else
      finite = false;
  if (low > high) low = high = 0;
  const double count = static_cast<double>(n);
  const double best = finite ? high : high + count * (high - low + 1);
  const double worst = finite ? low : low - (count + 1) * (best - low + 1);
  const double range = best > worst ? best - worst : 1;
  std::vector<double> cost(score.size());
  for (std::size_t i = 0; i < cost.size(); ++i)
    cost[i] = (best - (std::isfinite(score[i]) ? score[i] : score[i] > 0 ? best : worst)) / range;
  std::vector<std::int32_t> chosen(n);
  assign_by_shortest_paths(static_cast<dim_t>(n), cost.data(), chosen.data());
  return {chosen.begin(), chosen.end()};
}

}  // namespace detail

// 0, 1, ..., n - 1: every estimate for the target of its number.
inline std::vector<std::size_t> given_order(std::size_t n) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

// score [estimates][targets], n x n, larger is better. Returns p with p[target] = estimate that maximises
// sum of score[p[t]][t]; of equals the lexicographically first for n <= 6, any above. NaN counts as -inf.
inline std::vector<std::size_t> best_permutation(std::span<const double> score, std::size_t n) {
  if (score.size() != n * n) fail("a permutation of ", n, " needs ", n * n, " scores, not ", score.size());
  return n <= 6 ? detail::best_permutation_exhaustive(score, n) : detail::best_permutation_by_prices(score, n);
}

}  // namespace avss
