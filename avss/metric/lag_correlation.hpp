// Correlations of long signals at a few hundred lags, through short Fourier transforms that stay in the cache.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/dsp/batch_fft.hpp>
#include <avss/dsp/fft.hpp>
#include <avss/dsp/lanes.hpp>
#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace avss {

// c[a][b][k] = sum_n signal_a[n] signal_b[n + k],  k = 0 .. lags - 1, for the first `leading` signals as a and all as b;
// signals are silent where they end. In double.
//
// Signals are cut into blocks of `hop` samples. The correlation of a block with the `points` samples that begin where it
// begins is one product of two transforms. Two blocks share a transform as its real and imaginary part: the real part of what
// comes back is then the sum of both blocks' correlations. Sums over blocks are taken of spectra, so one transform leads back.
class lag_correlation {
 public:
  static constexpr std::size_t lags = 512;

  template <class T>
  lag_correlation(std::span<const std::span<const T>> signals, std::size_t leading)
      : leading_(leading), count_(signals.size()), sums_(leading * count_ * points) {
    if (leading == 0 || leading > count_) fail("correlations of the first ", leading, " of ", count_, " signals");
    length_ = signals[0].size();
    const std::size_t group = 2 * lanes::width * hop, groups = (length_ + group - 1) / group;
    std::vector<std::vector<T>> padded;
    for (const std::span<const T>& s : signals) {
      if (s.size() != length_)
        fail("correlations of signals of ", length_, " and ", s.size(), " samples; make them equally long");
      padded.emplace_back(groups * group + points);
      std::copy(s.begin(), s.end(), padded.back().begin());
    }
    std::vector<lanes::array_of<lane_point>> blocks(leading), reach(count_);
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t a = 0; a < leading; ++a) transform(padded[a].data() + g * group, hop, blocks[a]);
      for (std::size_t b = 0; b < count_; ++b) transform(padded[b].data() + g * group, points, reach[b]);
      for (std::size_t a = 0; a < leading; ++a)
        for (std::size_t b = 0; b < count_; ++b) accumulate(blocks[a], reach[b], sums_.data() + (a * count_ + b) * points);
    }
    finish();
  }

  // [lags]
  std::span<const double> operator()(std::size_t a, std::size_t b) const {
    return std::span<const double>(result_).subspan((a * count_ + b) * lags, lags);
  }

 private:
  static constexpr std::size_t points = 2048, hop = points - lags + 1;

  // Lane i takes blocks 2 i and 2 i + 1 of `from`, the first `samples` of each, then zeros.
  template <class T>
  void transform(const T* from, std::size_t samples, lanes::array_of<lane_point>& x) {
    x.resize(points);
    for (std::size_t n = 0; n < samples; ++n) {
      const T* const p = from + n;
      std::array<double, lanes::width> re, im;
      for (std::size_t i = 0; i < lanes::width; ++i)
        re[i] = static_cast<double>(p[2 * i * hop]), im[i] = static_cast<double>(p[(2 * i + 1) * hop]);
      x[n] = {lanes::load(re.data()), lanes::load(im.data())};
    }
    for (std::size_t n = samples; n < points; ++n) x[n] = {};
    plan_.forward(x, scratch_);
  }

  // sum += conj(a) b over the lanes
  static void accumulate(const lanes::array_of<lane_point>& a, const lanes::array_of<lane_point>& b,
                         std::complex<double>* sum) {
    for (std::size_t k = 0; k < points; ++k)
      sum[k] += std::complex<double>(lanes::total(a[k].re * b[k].re + a[k].im * b[k].im),
                                     lanes::total(a[k].re * b[k].im - a[k].im * b[k].re));
  }

  void finish() {
    result_.resize(leading_ * count_ * lags);
    std::vector<std::complex<double>> x(points), scratch;
    for (std::size_t i = 0; i < leading_ * count_; ++i) {
      x.assign(sums_.begin() + static_cast<std::ptrdiff_t>(i * points),
               sums_.begin() + static_cast<std::ptrdiff_t>((i + 1) * points));
      fft_of<double>(points).inverse(x, scratch);
      for (std::size_t k = 0; k < lags; ++k) result_[i * lags + k] = x[k].real() / static_cast<double>(points);
    }
    sums_.clear();
  }

  std::size_t leading_, count_, length_ = 0;
  const batch_fft& plan_ = batch_fft_of(points);
  std::vector<std::complex<double>> sums_;  // [leading][count][points]
  std::vector<double> result_;              // [leading][count][lags]
  lanes::array_of<lane_point> scratch_;
};

}  // namespace avss
