// The assignment of estimates to targets that scores best (permutation-invariant evaluation; Yu et al., ICASSP 2017).
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <cmath>
#include <cstddef>
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

// Shortest augmenting paths with dual prices, O(n^3) (Kuhn 1955; Jonker and Volgenant 1987).
inline std::vector<std::size_t> best_permutation_by_prices(std::span<const double> score, std::size_t n) {
  // Finite stand-ins for what is not: a +inf outweighs all finite differences together, a NaN or -inf outweighs n +inf.
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (double s : score)
    if (std::isfinite(s)) low = std::min(low, s), high = std::max(high, s);
  if (low > high) low = high = 0;
  const double count = static_cast<double>(n);
  const double best = high + count * (high - low + 1), worst = low - (count + 1) * (best - low + 1);
  const auto cost = [&](std::size_t estimate, std::size_t target) {
    const double s = score[estimate * n + target];
    return -(std::isfinite(s) ? s : s > 0 ? best : worst);
  };

  constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::vector<double> row_price(n, 0), column_price(n, 0), distance(n);
  std::vector<std::size_t> row_of(n, none), column_of(n, none), before(n);
  std::vector<char> settled(n);
  for (std::size_t start = 0; start < n; ++start) {
    std::fill(distance.begin(), distance.end(), std::numeric_limits<double>::infinity());
    std::fill(settled.begin(), settled.end(), char{0});
    std::size_t row = start, last = none;
    double travelled = 0;
    while (last == none) {
      std::size_t nearest = none;
      for (std::size_t c = 0; c < n; ++c) {
        if (settled[c]) continue;
        const double through = travelled + cost(row, c) - row_price[row] - column_price[c];
        if (through < distance[c]) distance[c] = through, before[c] = row;
        if (nearest == none || distance[c] < distance[nearest]) nearest = c;
      }
      travelled = distance[nearest];
      settled[nearest] = 1;
      if (row_of[nearest] == none)
        last = nearest;
      else
        row = row_of[nearest];
    }
    // New prices keep every reduced cost at or above zero and those of the assignment at zero.
    row_price[start] += travelled;
    for (std::size_t c = 0; c < n; ++c) {
      if (!settled[c]) continue;
      const double change = travelled - distance[c];
      column_price[c] -= change;
      if (row_of[c] != none) row_price[row_of[c]] += change;
    }
    for (std::size_t c = last;;) {
      const std::size_t r = before[c];
      row_of[c] = r;
      std::swap(column_of[r], c);
      if (r == start) break;
    }
  }
  return row_of;
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
