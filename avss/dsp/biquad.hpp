// Recursive filters of second order, and the usual designs (R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad
// filter coefficients"). With q = 1 / sqrt(2), low_pass and high_pass are Butterworth's.
#pragma once

#include <avss/core/error.hpp>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

namespace avss {

// y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]
struct biquad {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;

  // In place, from silence on.
  void apply(std::span<float> x) const {
    double first = 0, second = 0;  // transposed form II
    for (float& v : x) {
      const double in = static_cast<double>(v), out = b0 * in + first;
      first = b1 * in - a1 * out + second;
      second = b2 * in - a2 * out;
      v = static_cast<float>(out);
    }
  }
};

// All at `frequency` Hz, above 0 and below half of `rate`; q > 0.
class biquad_design {
 public:
  biquad_design(double frequency, double rate, double q) {
    if (!(frequency > 0 && frequency < rate / 2 && q > 0))
      fail("a filter at ", frequency, " Hz with q ", q, "; expected a frequency above 0 and below ", rate / 2,
           " Hz, and q above 0");
    const double angle = 2 * std::numbers::pi * frequency / rate;
    cosine_ = std::cos(angle);
    alpha_ = std::sin(angle) / (2 * q);
  }

  biquad low_pass() const { return made((1 - cosine_) / 2, 1 - cosine_, (1 - cosine_) / 2, plain()); }
  biquad high_pass() const { return made((1 + cosine_) / 2, -1 - cosine_, (1 + cosine_) / 2, plain()); }
  // Nothing passes at the frequency; -3 dB at frequencies frequency / q apart.
  biquad band_stop() const { return made(1, -2 * cosine_, 1, plain()); }
  // `db` at the frequency, 0 far from it.
  biquad peak(double db) const {
    const double a = std::pow(10, db / 40);
    return made(1 + alpha_ * a, -2 * cosine_, 1 - alpha_ * a, {1 + alpha_ / a, -2 * cosine_, 1 - alpha_ / a});
  }
  // `db` far below the frequency, 0 far above it.
  biquad low_shelf(double db) const { return shelf(db, 1); }
  biquad high_shelf(double db) const { return shelf(db, -1); }

 private:
  struct poles {
    double a0, a1, a2;
  };
  poles plain() const { return {1 + alpha_, -2 * cosine_, 1 - alpha_}; }
  static biquad made(double b0, double b1, double b2, poles p) {
    return {b0 / p.a0, b1 / p.a0, b2 / p.a0, p.a1 / p.a0, p.a2 / p.a0};
  }
  // The high shelf is the low one with the cosine's sign changed, and so that of every odd coefficient.
  biquad shelf(double db, double side) const {
    const double a = std::pow(10, db / 40), root = 2 * std::sqrt(a) * alpha_, c = side * cosine_;
    const double up = a + 1, down = a - 1;
    return made(a * (up - down * c + root), side * 2 * a * (down - up * c), a * (up - down * c - root),
                {up + down * c + root, side * -2 * (down + up * c), up + down * c - root});
  }

  double cosine_, alpha_;
};

}  // namespace avss
