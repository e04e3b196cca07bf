// Gains that make estimates sum to their mixture: least squares jointly over the sources.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <avss/core/error.hpp>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace avss {

// Minimises |x - sum_s g_s e_s|^2 over a signal of any length, given block by block. Gains may be negative: a loss that
// leaves level free leaves sign free.
class joint_level {
 public:
  explicit joint_level(std::size_t sources)
      : products_(Eigen::MatrixXd::Zero(rows(sources), rows(sources))), with_mixture_(Eigen::VectorXd::Zero(rows(sources))) {}

  // mixture [n], estimates [sources][n]
  void add(std::span<const float> mixture, std::span<const float> estimates) {
    const std::size_t n = mixture.size(), sources = static_cast<std::size_t>(with_mixture_.size());
    if (estimates.size() != sources * n)
      fail("levels of ", sources, " estimates of ", n, " samples need ", sources * n, " values, not ", estimates.size());
    for (std::size_t a = 0; a < sources; ++a) {
      const auto first = estimates.subspan(a * n, n);
      with_mixture_(rows(a)) += dot(first, mixture);
      for (std::size_t b = 0; b <= a; ++b) {
        products_(rows(a), rows(b)) += dot(first, estimates.subspan(b * n, n));
        products_(rows(b), rows(a)) = products_(rows(a), rows(b));
      }
    }
  }

  // One gain a source: 1 for a silent estimate, equal shares for estimates that are multiples of each other, 0 under a
  // silent mixture. Finite for finite signals.
  std::vector<double> gains() const {
    const Eigen::Index sources = with_mixture_.size();
    // In units of each estimate's own energy, so that how loud they are does not decide what counts as dependent.
    Eigen::VectorXd unit = Eigen::VectorXd::Zero(sources);
    for (Eigen::Index s = 0; s < sources; ++s)
      if (products_(s, s) > 0) unit(s) = 1 / std::sqrt(products_(s, s));
    const Eigen::MatrixXd correlation = unit.asDiagonal() * products_ * unit.asDiagonal();
    const Eigen::VectorXd wanted = unit.asDiagonal() * with_mixture_;
    // Tikhonov's solution, refined twice: exact to 1e-12 along what the estimates span well (eigenvalue near 1), small
    // along what they hardly span, where dividing by the eigenvalue would give huge gains that cancel each other.
    const Eigen::LLT<Eigen::MatrixXd> damped(correlation + damping * Eigen::MatrixXd::Identity(sources, sources));
    Eigen::VectorXd solution = Eigen::VectorXd::Zero(sources);
    for (int step = 0; step < 3; ++step) solution += damped.solve(wanted - correlation * solution);
    std::vector<double> out(static_cast<std::size_t>(sources), 1.);
    for (Eigen::Index s = 0; s < sources; ++s)
      if (unit(s) > 0) out[static_cast<std::size_t>(s)] = unit(s) * solution(s);
    return out;
  }

 private:
  static constexpr double damping = 1e-4;  // of correlations, which are 1 at most

  static Eigen::Index rows(std::size_t n) { return static_cast<Eigen::Index>(n); }
  static double dot(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
  }

  Eigen::MatrixXd products_;      // [sources][sources]
  Eigen::VectorXd with_mixture_;  // [sources]
};

}  // namespace avss
