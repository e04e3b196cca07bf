// Fourier transforms of eight complex signals at once: each lane of a vector is one of them, so that short transforms use the
// whole width of the machine.
#pragma once

#include <avss/core/error.hpp>
#include <avss/dsp/lanes.hpp>
#include <bit>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <vector>

namespace avss {

// One point of eight signals.
struct lane_point {
  lanes::vec re{}, im{};
};

// As fft (dsp/fft.hpp): X[k] = sum_n x[n] exp(-2 pi i k n / N), N a power of two, in double. May be used by several threads.
class batch_fft {
 public:
  explicit batch_fft(std::size_t points) : points_(points), turn_(points) {
    if (!std::has_single_bit(points)) fail("a Fourier transform of ", points, " points; expected a power of two");
    for (std::size_t i = 0; i < points; ++i) {
      const double angle = -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(points);
      turn_[i] = {std::cos(angle), std::sin(angle)};
    }
  }

  std::size_t points() const { return points_; }

  // x [points] is overwritten; `scratch` is made as large.
  void forward(lanes::array_of<lane_point>& x, lanes::array_of<lane_point>& scratch) const {
    if (x.size() != points_) fail("a Fourier transform of ", points_, " points is given ", x.size());
    scratch.resize(points_);
    // `n` points of each of `stride` transforms that lie side by side (Stockham's order, four points at a time).
    std::size_t n = points_, stride = 1;
    for (; n >= 4; n /= 4, stride *= 4) {
      four(n / 4, stride, x.data(), scratch.data());
      x.swap(scratch);
    }
    if (n < 2) return;
    for (std::size_t q = 0; q < stride; ++q) {
      const lane_point a = x[q], b = x[q + stride];
      x[q] = {a.re + b.re, a.im + b.im};
      x[q + stride] = {a.re - b.re, a.im - b.im};
    }
  }

 private:
  struct turn {
    double re = 1, im = 0;
  };

  [[gnu::always_inline]] static lane_point times(lanes::vec re, lanes::vec im, turn w) {
    return {re * w.re - im * w.im, re * w.im + im * w.re};
  }

  void four(std::size_t quarter, std::size_t stride, const lane_point* x, lane_point* y) const {
    const std::size_t apart = stride * quarter;
    for (std::size_t p = 0; p < quarter; ++p) {
      const turn w1 = turn_[p * stride], w2 = turn_[2 * p * stride], w3 = turn_[3 * p * stride];
      const lane_point* const from = x + stride * p;
      lane_point* const to = y + stride * 4 * p;
      for (std::size_t q = 0; q < stride; ++q) {
        const lane_point a = from[q], b = from[q + apart], c = from[q + 2 * apart], d = from[q + 3 * apart];
        const lane_point sum{a.re + c.re, a.im + c.im}, other{b.re + d.re, b.im + d.im};
        const lane_point difference{a.re - c.re, a.im - c.im}, side{b.im - d.im, d.re - b.re};  // -i (b - d)
        to[q] = {sum.re + other.re, sum.im + other.im};
        to[q + stride] = times(difference.re + side.re, difference.im + side.im, w1);
        to[q + 2 * stride] = times(sum.re - other.re, sum.im - other.im, w2);
        to[q + 3 * stride] = times(difference.re - side.re, difference.im - side.im, w3);
      }
    }
  }

  std::size_t points_;
  std::vector<turn> turn_;  // exp(-2 pi i k / N)
};

// The transform of so many points, made once and shared.
inline const batch_fft& batch_fft_of(std::size_t points) {
  static std::mutex mutex;
  static std::map<std::size_t, std::unique_ptr<const batch_fft>> made;
  const std::lock_guard lock(mutex);
  auto& plan = made[points];
  if (!plan) plan = std::make_unique<const batch_fft>(points);
  return *plan;
}

}  // namespace avss
