// Fourier transforms of complex signals whose length is a power of two, and convolution through them.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <span>
#include <vector>

namespace avss {

// X[k] = sum_n x[n] exp(-2 pi i k n / N), not scaled; inverse: the sign changes, not scaled either. Stockham's order, four
// points at a time. May be used by several threads at once.
template <class T>
class fft {
 public:
  explicit fft(std::size_t points) : points_(points), turn_(points) {
    if (!std::has_single_bit(points)) fail("a Fourier transform of ", points, " points; expected a power of two");
    for (std::size_t i = 0; i < points; ++i) {
      const double angle = -2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(points);
      turn_[i] = {static_cast<T>(std::cos(angle)), static_cast<T>(std::sin(angle))};
    }
  }

  std::size_t points() const { return points_; }

  // x [points] is overwritten; `scratch` is made as large.
  void forward(std::vector<std::complex<T>>& x, std::vector<std::complex<T>>& scratch) const { run<false>(x, scratch); }
  void inverse(std::vector<std::complex<T>>& x, std::vector<std::complex<T>>& scratch) const { run<true>(x, scratch); }

 private:
  using complex = std::complex<T>;

  // std::complex's own product looks for infinities.
  static complex times(complex a, complex b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  }
  template <bool Inverse>
  complex turn(std::size_t i) const {
    return Inverse ? std::conj(turn_[i]) : turn_[i];
  }

  template <bool Inverse>
  void run(std::vector<complex>& x, std::vector<complex>& scratch) const {
    if (x.size() != points_) fail("a Fourier transform of ", points_, " points is given ", x.size());
    scratch.resize(points_);
    // `n` points of each of `stride` transforms that lie side by side.
    std::size_t n = points_, stride = 1;
    for (; n >= 4; n /= 4, stride *= 4) {
      four<Inverse>(n / 4, stride, x.data(), scratch.data());
      x.swap(scratch);
    }
    if (n < 2) return;
    for (std::size_t q = 0; q < stride; ++q) {
      const complex a = x[q], b = x[q + stride];
      x[q] = a + b, x[q + stride] = a - b;
    }
  }

  template <bool Inverse>
  void four(std::size_t quarter, std::size_t stride, const complex* x, complex* y) const {
    for (std::size_t p = 0; p < quarter; ++p) {
      const complex w1 = turn<Inverse>(p * stride), w2 = turn<Inverse>(2 * p * stride), w3 = turn<Inverse>(3 * p * stride);
      const complex* const from = x + stride * p;
      complex* const to = y + stride * 4 * p;
      const std::size_t apart = stride * quarter;
      for (std::size_t q = 0; q < stride; ++q) {
        const complex a = from[q], b = from[q + apart], c = from[q + 2 * apart], d = from[q + 3 * apart];
        const complex sum = a + c, difference = a - c, other = b + d;
        const complex side = Inverse ? complex{d.imag() - b.imag(), b.real() - d.real()}
                                     : complex{b.imag() - d.imag(), d.real() - b.real()};  // -i (b - d), or i (b - d)
        to[q] = sum + other;
        to[q + stride] = times(difference + side, w1);
        to[q + 2 * stride] = times(sum - other, w2);
        to[q + 3 * stride] = times(difference - side, w3);
      }
    }
  }

  std::size_t points_;
  std::vector<complex> turn_;  // exp(-2 pi i k / N)
};

// The transform of so many points, made once and shared.
template <class T>
const fft<T>& fft_of(std::size_t points) {
  static std::mutex mutex;
  static std::map<std::size_t, std::unique_ptr<const fft<T>>> made;
  const std::lock_guard lock(mutex);
  auto& plan = made[points];
  if (!plan) plan = std::make_unique<const fft<T>>(points);
  return *plan;
}

// Signals of `length` samples convolved with one response; of the whole convolution, samples start, start + 1, ...,
// start + length - 1.
class fft_convolution {
 public:
  fft_convolution(std::span<const float> response, std::size_t length, std::size_t start = 0) : length_(length), start_(start) {
    if (response.empty()) fail("a convolution with a response of no samples");
    const std::size_t heard = std::min(response.size(), start + length);  // later ones come after the end
    plan_ = &fft_of<float>(std::bit_ceil(length + heard - 1));
    response_.assign(plan_->points(), {});
    // The inverse transform is not scaled.
    const float scale = 1 / static_cast<float>(plan_->points());
    for (std::size_t i = 0; i < heard; ++i) response_[i] = response[i] * scale;
    plan_->forward(response_, scratch_);
  }

  // Two signals at once, in place: real and imaginary part do not mix. `b` may be empty.
  void apply(std::span<float> a, std::span<float> b = {}) {
    if (a.size() != length_ || (!b.empty() && b.size() != length_))
      fail("a convolution of ", length_, " samples is given ", a.size(), " and ", b.size());
    both_.assign(plan_->points(), {});
    for (std::size_t i = 0; i < length_; ++i) both_[i] = {a[i], b.empty() ? 0.0f : b[i]};
    plan_->forward(both_, scratch_);
    for (std::size_t k = 0; k < both_.size(); ++k) {
      const std::complex<float> x = both_[k], h = response_[k];
      both_[k] = {x.real() * h.real() - x.imag() * h.imag(), x.real() * h.imag() + x.imag() * h.real()};
    }
    plan_->inverse(both_, scratch_);
    for (std::size_t i = 0; i < length_; ++i) {
      const std::complex<float> y = start_ + i < both_.size() ? both_[start_ + i] : 0;
      a[i] = y.real();
      if (!b.empty()) b[i] = y.imag();
    }
  }

 private:
  std::size_t length_, start_;
  const fft<float>* plan_;
  std::vector<std::complex<float>> response_, both_, scratch_;
};

}  // namespace avss
