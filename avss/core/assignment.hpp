// The best one-to-one assignment of n columns to n rows.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/core/host_device.hpp>
#include <avss/core/shape.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace avss {

inline constexpr dim_t max_assignment = 32;            // rows, of assign()
inline constexpr dim_t max_exhaustive_assignment = 6;  // beyond it, all permutations are more work than the general method

namespace detail {

// What is not finite must not decide anything, and must not stop the search from ending.
AVSS_HOST_DEVICE inline double bounded_cost(double c) {
  constexpr double bound = 1e9;
  return std::isnan(c) ? bound : std::clamp(c, -bound, bound);
}

}  // namespace detail

// chosen[c] = the row for column c, so that sum_c cost[chosen[c], c] is least; of equal sums the first in lexicographic
// order of `chosen`.   cost [n, n], chosen [n]
AVSS_HOST_DEVICE inline void assign_exhaustively(dim_t n, const double* cost, std::int32_t* chosen) {
  std::array<std::int32_t, max_assignment> trial;
  for (dim_t c = 0; c < n; ++c) chosen[c] = trial[c] = static_cast<std::int32_t>(c);
  double best = std::numeric_limits<double>::infinity();
  do {
    double sum = 0;
    for (dim_t c = 0; c < n; ++c) sum += detail::bounded_cost(cost[trial[c] * n + c]);
    if (sum < best) {
      best = sum;
      std::copy_n(trial.begin(), n, chosen);
    }
  } while (std::next_permutation(trial.begin(), trial.begin() + n));
}

namespace detail {

// Memory of the search below, n + 1 of each; all zero at first.
struct path_memory {
  double *column_price, *row_price, *distance;
  dim_t *column_of, *reached_from;
  char* done;
};

AVSS_HOST_DEVICE inline void assign_by_paths(dim_t n, const double* cost, std::int32_t* chosen, const path_memory& memory) {
  // Columns are matched one after another; row 0 and column 0 stand for "none".
  const auto [column_price, row_price, distance, column_of, reached_from, done] = memory;
  for (dim_t c = 1; c <= n; ++c) {
    std::fill_n(distance, n + 1, std::numeric_limits<double>::infinity());
    std::fill_n(done, n + 1, char{0});
    dim_t row = 0;
    column_of[0] = c;
    do {
      done[row] = 1;
      const dim_t column = column_of[row];
      dim_t nearest = 0;
      double least = std::numeric_limits<double>::infinity();
      for (dim_t r = 1; r <= n; ++r) {
        if (done[r]) continue;
        const double d = bounded_cost(cost[(r - 1) * n + column - 1]) - column_price[column] - row_price[r];
        if (d < distance[r]) {
          distance[r] = d;
          reached_from[r] = row;
        }
        if (distance[r] < least) {
          least = distance[r];
          nearest = r;
        }
      }
      for (dim_t r = 0; r <= n; ++r) {
        if (done[r]) {
          column_price[column_of[r]] += least;
          row_price[r] -= least;
        } else {
          distance[r] -= least;
        }
      }
      row = nearest;
    } while (column_of[row] != 0);
    for (; row != 0; row = reached_from[row]) column_of[row] = column_of[reached_from[row]];
  }
  for (dim_t r = 1; r <= n; ++r) chosen[column_of[r] - 1] = static_cast<std::int32_t>(r - 1);
}

}  // namespace detail

// The same by shortest augmenting paths, O(n^3) (Jonker and Volgenant 1987), for any n; of equal sums any.
inline void assign_by_shortest_paths(dim_t n, const double* cost, std::int32_t* chosen) {
  const auto size = static_cast<std::size_t>(n) + 1;
  std::vector<double> column_price(size), row_price(size), distance(size);
  std::vector<dim_t> column_of(size), reached_from(size);
  std::vector<char> done(size);
  detail::assign_by_paths(
      n, cost, chosen,
      {column_price.data(), row_price.data(), distance.data(), column_of.data(), reached_from.data(), done.data()});
}

inline void check_assignment(dim_t n) {
  if (n > max_assignment) fail("an assignment of ", n, " sources is asked for; at most ", max_assignment, " are supported");
}

// Working memory of assign_few beyond max_exhaustive_assignment sources. On a device it lies in scratch memory: a kernel that
// has it on its threads' stacks makes the driver set memory aside for all threads that the device can run at once.
struct assignment_room {
  double prices[3][max_assignment + 1];
  dim_t paths[2][max_assignment + 1];
  char done[max_assignment + 1];
};
// How many are needed for so many items of n sources.
constexpr dim_t assignment_rooms(dim_t n, dim_t items) { return n > max_exhaustive_assignment ? items : 0; }

// For n that check_assignment lets pass. room: null is enough where assignment_rooms(n, 1) is 0; what it holds before does not
// matter.
AVSS_HOST_DEVICE inline void assign_few(dim_t n, const double* cost, std::int32_t* chosen, assignment_room* room) {
  if (n <= max_exhaustive_assignment) return assign_exhaustively(n, cost, chosen);
  for (double* prices : {room->prices[0], room->prices[1], room->prices[2]}) std::fill_n(prices, n + 1, 0.0);
  for (dim_t* paths : {room->paths[0], room->paths[1]}) std::fill_n(paths, n + 1, dim_t{0});
  detail::assign_by_paths(n, cost, chosen,
                          {room->prices[0], room->prices[1], room->prices[2], room->paths[0], room->paths[1], room->done});
}

inline void assign(dim_t n, const double* cost, std::int32_t* chosen) {
  check_assignment(n);
  assignment_room room;
  assign_few(n, cost, chosen, &room);
}

}  // namespace avss
