// How much of a signal lies in the span of others and their delays: d' G^-1 d for a symmetric block Toeplitz matrix G.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/dsp/lanes.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// The matrix of the inner products of S signals, each delayed by 0 .. taps - 1 samples:
//   G[(i, m), (j, l)] = c_ij[m - l],  c_ij[k] = sum_n x_i[n] x_j[n + k]
class block_toeplitz {
 public:
  // correlation(i, j): c_ij at lags 0 .. taps - 1; those at negative lags are c_ji's.
  template <class F>
  block_toeplitz(std::size_t sources, std::size_t taps, F&& correlation) : sources_(sources), taps_(taps) {
    rows_.assign(sources * sources, std::vector<double>(2 * taps));
    for (std::size_t i = 0; i < sources; ++i)
      for (std::size_t j = 0; j < sources; ++j) {
        const auto ahead = correlation(i, j), behind = correlation(j, i);
        std::vector<double>& row = rows_[i * sources + j];
        for (std::size_t k = 0; k < taps; ++k) row[taps - 1 - k] = ahead[k], row[taps - 1 + k] = k == 0 ? ahead[0] : behind[k];
      }
  }

  std::size_t sources() const { return sources_; }
  std::size_t taps() const { return taps_; }
  // p with p[l] = c_ij[m - l], l = 0 .. taps - 1
  const double* row(std::size_t i, std::size_t j, std::size_t m) const {
    return rows_[i * sources_ + j].data() + (taps_ - 1 - m);
  }

  // h' r with r = d - G h, and |r|^2 into `left`. h, d [sources][taps].
  double correction(const double* h, const double* d, double& left) const {
    double sum = 0;
    left = 0;
    for (std::size_t i = 0; i < sources_; ++i)
      for (std::size_t m = 0; m < taps_; ++m) {
        double r = d[i * taps_ + m];
        for (std::size_t j = 0; j < sources_; ++j) r -= lanes::dot(row(i, j, m), h + j * taps_, taps_);
        sum += h[i * taps_ + m] * r, left += r * r;
      }
    return sum;
  }

 private:
  std::size_t sources_, taps_;
  std::vector<std::vector<double>> rows_;  // [i][j]: c_ij from lag taps - 1 down to 1 - taps
};

namespace detail {

// G h = d by the recursion of Levinson, Whittle, Wiggins and Robinson: for m = 1, 2, ... the solution for the first m delays
// follows from that for m - 1 with the predictors forward and backward in time,
//   sum_l C[k - l] F_l = E_f [k = 0],  F_0 = I        sum_l C[k - l] B_l = E_b [k = m],  B_m = I
// O(taps^2 S^3) where a factorisation takes O(taps^3 S^3).
template <std::size_t S>
class block_levinson {
 public:
  explicit block_levinson(const block_toeplitz& g) : g_(g), n_(g.taps()), room_(n_ + lanes::width) {
    forward_.assign(S * S * room_, 0), backward_ = forward_;
  }

  // d and h are [sides][S][taps]. False where G is singular to working precision.
  bool solve(std::size_t sides, const double* d, std::vector<double>& h) {
    solution_.assign(sides * S * room_, 0);
    matrix ef, unit{};
    for (std::size_t i = 0; i < S; ++i) {
      unit[i * S + i] = 1;
      for (std::size_t j = 0; j < S; ++j) ef[i * S + j] = g_.row(i, j, 0)[0];
    }
    matrix eb = ef;
    for (std::size_t i = 0; i < S; ++i) forward(i, i)[0] = backward(i, i)[n_ - 1] = 1;
    if (!advance_sides(sides, d, 0, eb)) return false;
    for (std::size_t m = 1; m < n_; ++m) {
      matrix delta;
      for (std::size_t i = 0; i < S; ++i)
        for (std::size_t j = 0; j < S; ++j) {
          delta[i * S + j] = 0;
          for (std::size_t k = 0; k < S; ++k) delta[i * S + j] += lanes::dot(g_.row(i, k, m), forward(k, j), m);
        }
      matrix kf = delta, kb = transposed(delta);
      if (!divide(eb, kf) || !divide(ef, kb)) return false;
      subtract_product(ef, transposed(delta), kf), subtract_product(eb, delta, kb);
      update_predictors(m, kf, kb);
      if (!advance_sides(sides, d, m, eb)) return false;
    }
    h.resize(sides * S * n_);
    for (std::size_t i = 0; i < sides * S; ++i) std::copy_n(solution_.data() + i * room_, n_, h.data() + i * n_);
    return true;
  }

  // The least error of prediction: near the least eigenvalue of G, never below it.
  double least() const { return least_; }

 private:
  using matrix = std::array<double, S * S>;

  double* forward(std::size_t i, std::size_t j) { return forward_.data() + (i * S + j) * room_; }
  // B_l of the predictor of m delays lies at n - 1 - m + l: to delay it by one sample is to leave it where it is.
  double* backward(std::size_t i, std::size_t j) { return backward_.data() + (i * S + j) * room_; }

  static matrix transposed(const matrix& a) {
    matrix t;
    for (std::size_t i = 0; i < S; ++i)
      for (std::size_t j = 0; j < S; ++j) t[i * S + j] = a[j * S + i];
    return t;
  }
  // e -= a b, which is symmetric
  static void subtract_product(matrix& e, const matrix& a, const matrix& b) {
    matrix p{};
    for (std::size_t i = 0; i < S; ++i)
      for (std::size_t j = 0; j < S; ++j)
        for (std::size_t k = 0; k < S; ++k) p[i * S + j] += a[i * S + k] * b[k * S + j];
    for (std::size_t i = 0; i < S; ++i)
      for (std::size_t j = 0; j < S; ++j) e[i * S + j] -= (p[i * S + j] + p[j * S + i]) / 2;
  }
  // x [S][columns] becomes e^-1 x, by Cholesky's factors.
  template <std::size_t N>
  bool divide(const matrix& e, std::array<double, N>& x) {
    constexpr std::size_t columns = N / S;
    matrix l{};
    for (std::size_t i = 0; i < S; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double v = e[i * S + j];
        for (std::size_t k = 0; k < j; ++k) v -= l[i * S + k] * l[j * S + k];
        if (i == j) {
          if (!(v > 1e-15)) return false;
          least_ = std::min(least_, v);
          l[i * S + i] = std::sqrt(v);
        } else {
          l[i * S + j] = v / l[j * S + j];
        }
      }
    for (std::size_t c = 0; c < columns; ++c) {
      for (std::size_t i = 0; i < S; ++i) {
        for (std::size_t k = 0; k < i; ++k) x[i * columns + c] -= l[i * S + k] * x[k * columns + c];
        x[i * columns + c] /= l[i * S + i];
      }
      for (std::size_t i = S; i-- > 0;) {
        for (std::size_t k = i + 1; k < S; ++k) x[i * columns + c] -= l[k * S + i] * x[k * columns + c];
        x[i * columns + c] /= l[i * S + i];
      }
    }
    return true;
  }

  // F <- [F, 0] - [0, B] kf,  B <- [0, B] - [F, 0] kb. What lies beyond the end of either is zero and stays so.
  void update_predictors(std::size_t m, const matrix& kf, const matrix& kb) {
    const std::size_t at = n_ - 1 - m;
    for (std::size_t l = 0; l <= m; l += lanes::width)
      for (std::size_t i = 0; i < S; ++i) {
        lanes::vec f[S], b[S];
        for (std::size_t j = 0; j < S; ++j) f[j] = lanes::load(forward(i, j) + l), b[j] = lanes::load(backward(i, j) + at + l);
        for (std::size_t j = 0; j < S; ++j) {
          lanes::vec nf = f[j], nb = b[j];
          for (std::size_t k = 0; k < S; ++k) nf -= b[k] * kf[k * S + j], nb -= f[k] * kb[k * S + j];
          lanes::store(forward(i, j) + l, nf), lanes::store(backward(i, j) + at + l, nb);
        }
      }
  }

  // Each right side's solution for m delays becomes that for m + 1.
  bool advance_sides(std::size_t sides, const double* d, std::size_t m, const matrix& eb) {
    const std::size_t at = n_ - 1 - m;
    for (std::size_t r = 0; r < sides; ++r) {
      double* const h = solution_.data() + r * S * room_;
      std::array<double, S> w;
      for (std::size_t i = 0; i < S; ++i) {
        w[i] = d[(r * S + i) * n_ + m];
        for (std::size_t j = 0; j < S; ++j) w[i] -= lanes::dot(g_.row(i, j, m), h + j * room_, m);
      }
      if (!divide(eb, w)) return false;
      for (std::size_t i = 0; i < S; ++i)
        for (std::size_t l = 0; l <= m; l += lanes::width) {
          lanes::vec v = lanes::load(h + i * room_ + l);
          for (std::size_t k = 0; k < S; ++k) v += lanes::load(backward(i, k) + at + l) * w[k];
          lanes::store(h + i * room_ + l, v);
        }
    }
    return true;
  }

  const block_toeplitz& g_;
  std::size_t n_, room_;
  std::vector<double> forward_, backward_, solution_;
  double least_ = std::numeric_limits<double>::infinity();
};

// d' G^+ d where G is singular: Cholesky's factors, the largest remaining diagonal first, as far as there is anything left.
inline void span_by_pivots(const block_toeplitz& g, std::size_t sides, const double* d, std::span<double> inside) {
  const std::size_t taps = g.taps(), n = g.sources() * taps;
  std::vector<double> left(n), factor(sides * n);
  std::copy_n(d, sides * n, factor.begin());  // what is left of d
  for (std::size_t p = 0; p < n; ++p) left[p] = g.row(p / taps, p / taps, p % taps)[p % taps];
  const double enough = *std::max_element(left.begin(), left.end()) * 1e-13;
  std::fill(inside.begin(), inside.end(), 0.);
  std::vector<std::vector<double>> rows;
  while (rows.size() < n) {
    const std::size_t p = static_cast<std::size_t>(std::max_element(left.begin(), left.end()) - left.begin());
    if (!(left[p] > enough)) return;
    const double scale = 1 / std::sqrt(left[p]);
    std::vector<double> row(n);
    for (std::size_t j = 0; j < g.sources(); ++j) std::copy_n(g.row(p / taps, j, p % taps), taps, row.data() + j * taps);
    for (const std::vector<double>& r : rows)
      for (std::size_t q = 0; q < n; ++q) row[q] -= r[p] * r[q];
    for (std::size_t q = 0; q < n; ++q) row[q] *= scale, left[q] -= row[q] * row[q];
    left[p] = 0;
    for (std::size_t s = 0; s < sides; ++s) {
      const double z = factor[s * n + p] * scale;
      for (std::size_t q = 0; q < n; ++q) factor[s * n + q] -= z * row[q];
      inside[s] += z * z;
    }
    rows.push_back(std::move(row));
  }
}

// d' h + h' (d - G h) differs from d' G^-1 d by r' G^-1 r alone: the solution's error counts twice. False where that may be
// seen.
template <std::size_t S>
bool span_by_levinson(const block_toeplitz& g, std::size_t sides, const double* d, std::span<double> inside) {
  block_levinson<S> levinson(g);
  std::vector<double> h;
  if (!levinson.solve(sides, d, h)) return false;
  const std::size_t n = S * g.taps();
  for (std::size_t s = 0; s < sides; ++s) {
    double left = 0;
    inside[s] = lanes::dot(d + s * n, h.data() + s * n, n) + g.correction(h.data() + s * n, d + s * n, left);
    if (!(left <= 1e-12 * levinson.least())) return false;
  }
  return true;
}

}  // namespace detail

// inside[side] = d' G^-1 d, the energy of what lies in the span, for d [sides][sources][taps] = the inner products of the
// signal with each source's delays. The sources' energies are to be 1, or near it.
inline void energy_in_span(const block_toeplitz& g, std::size_t sides, const double* d, std::span<double> inside) {
  const auto by_levinson = [&] {
    switch (g.sources()) {
      case 1: return detail::span_by_levinson<1>(g, sides, d, inside);
      case 2: return detail::span_by_levinson<2>(g, sides, d, inside);
      case 3: return detail::span_by_levinson<3>(g, sides, d, inside);
      case 4: return detail::span_by_levinson<4>(g, sides, d, inside);
      case 5: return detail::span_by_levinson<5>(g, sides, d, inside);
    }
    return false;
  };
  if (!by_levinson()) detail::span_by_pivots(g, sides, d, inside);
}

}  // namespace avss
