// Transforms of the plane that turn, scale and move, estimated from pairs of points.
#pragma once

#include <algorithm>
#include <avss/video/picture.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace avss {

// (x, y) -> (a x - b y + dx, b x + a y + dy)
struct similarity {
  double a = 1, b = 0, dx = 0, dy = 0;

  point operator()(point p) const { return {a * p.x - b * p.y + dx, b * p.x + a * p.y + dy}; }
  similarity inverse() const {
    const double n = a * a + b * b, ia = a / n, ib = -b / n;
    return {ia, ib, -(ia * dx - ib * dy), -(ib * dx + ia * dy)};
  }
  double scale() const { return std::hypot(a, b); }
};

// The one with the least sum of squared distances of from[i]'s images to to[i], of the pairs whose weight is not 0 (all if none
// are given). Points that are all one give scale 0.
inline similarity least_squares_similarity(std::span<const point> from, std::span<const point> to,
                                           std::span<const char> use = {}) {
  point f, t;
  double n = 0;
  const auto used = [&](std::size_t i) { return use.empty() || use[i]; };
  for (std::size_t i = 0; i < from.size(); ++i)
    if (used(i)) f.x += from[i].x, f.y += from[i].y, t.x += to[i].x, t.y += to[i].y, ++n;
  f = {f.x / n, f.y / n}, t = {t.x / n, t.y / n};
  double square = 0, along = 0, across = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!used(i)) continue;
    const double x = from[i].x - f.x, y = from[i].y - f.y, u = to[i].x - t.x, v = to[i].y - t.y;
    square += x * x + y * y, along += x * u + y * v, across += x * v - y * u;
  }
  similarity s{0, 0, 0, 0};
  if (square > 0) s.a = along / square, s.b = across / square;
  s.dx = t.x - (s.a * f.x - s.b * f.y), s.dy = t.y - (s.b * f.x + s.a * f.y);
  return s;
}

// Least median of squares (P. J. Rousseeuw, 1984), which up to half of the pairs cannot spoil: of the transforms that two pairs
// determine, the one with the least median of squared distances tells the pairs to be trusted, within 2.5 robust standard
// deviations; least squares over those is the result. OpenCV's estimateAffinePartial2D(LMEDS) does the same on 13 draws; all
// pairs of pairs (28 of 8 points) cost little and need no random numbers.
inline similarity least_median_similarity(std::span<const point> from, std::span<const point> to) {
  const std::size_t n = from.size();
  std::vector<double> squares(n), sorted(n);
  std::vector<char> best;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i + 1; j < n; ++j) {
      const point two_from[] = {from[i], from[j]}, two_to[] = {to[i], to[j]};
      if (std::hypot(from[i].x - from[j].x, from[i].y - from[j].y) < 1e-9) continue;
      const similarity s = least_squares_similarity(two_from, two_to);
      for (std::size_t k = 0; k < n; ++k) {
        const point p = s(from[k]);
        squares[k] = (p.x - to[k].x) * (p.x - to[k].x) + (p.y - to[k].y) * (p.y - to[k].y);
      }
      sorted = squares;
      std::sort(sorted.begin(), sorted.end());
      const double median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
      if (!(median < least)) continue;
      least = median;
      const double sigma = std::max(2.5 * 1.4826 * (1 + 5 / (static_cast<double>(n) - 2)) * std::sqrt(median), 0.001);
      best.assign(n, 0);
      for (std::size_t k = 0; k < n; ++k) best[k] = squares[k] <= sigma * sigma;
    }
  return least_squares_similarity(from, to, best);
}

}  // namespace avss
