// What DNSMOS's networks see of a signal (github.com/microsoft/DNS-Challenge, DNSMOS/dnsmos_local.py; librosa's mel
// spectrogram).
#pragma once

#include <algorithm>
#include <avss/core/shape.hpp>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

namespace avss::dnsmos_features {

inline constexpr int rate = 16000;
inline constexpr dim_t frames = 900, hop = 160, bins = 161, mels = 120;
inline constexpr dim_t segment = 144160;  // samples that a network hears at once: 9.01 s

// Samples to the real and imaginary parts of bins, [bins, taps] each.
struct transform {
  dim_t taps = 0;
  std::vector<float> real, imaginary;
};

// |X|^2 of frames [frames, bins]; x has (frames - 1) hop + taps samples.
inline std::vector<float> powers(const transform& t, std::span<const float> x) {
  std::vector<float> result(static_cast<std::size_t>(frames * bins));
  for (dim_t f = 0; f < frames; ++f)
    for (dim_t k = 0; k < bins; ++k) {
      const float *const in = x.data() + f * hop, *const re = t.real.data() + k * t.taps,
                         *const im = t.imaginary.data() + k * t.taps;
      double a = 0, b = 0;  // bins with almost no power are what is left of large products
#pragma omp simd reduction(+ : a, b)
      for (dim_t i = 0; i < t.taps; ++i) {
        const double v = static_cast<double>(in[i]);
        a += v * static_cast<double>(re[i]), b += v * static_cast<double>(im[i]);
      }
      result[static_cast<std::size_t>(f * bins + k)] = static_cast<float>(a * a + b * b);
    }
  return result;
}

// The logarithms that the network of ITU-T P.835 sees, [frames, bins].
inline std::vector<float> log_powers(const transform& learned, std::span<const float> x) {
  std::vector<float> p = powers(learned, x);
  for (float& v : p) v = std::log10(std::max(v, 1e-12f));
  return p;
}

// The discrete Fourier transform of 321 samples under a periodic Hann window.
inline transform hann_fourier() {
  constexpr dim_t taps = 321;
  transform t{taps, {}, {}};
  for (dim_t k = 0; k < bins; ++k)
    for (dim_t i = 0; i < taps; ++i) {
      const double turn = 2 * std::numbers::pi / static_cast<double>(taps);
      const double window = 0.5 - 0.5 * std::cos(turn * static_cast<double>(i));
      const double angle = turn * static_cast<double>(i * k % taps);
      t.real.push_back(static_cast<float>(window * std::cos(angle)));
      t.imaginary.push_back(static_cast<float>(-window * std::sin(angle)));
    }
  return t;
}

// Slaney's scale: linear below 1 kHz, logarithmic above. Mel of hertz and back.
inline double hertz_of(double mel) {
  const double step = 200. / 3, knee = 1000 / step, ratio = std::log(6.4) / 27;
  return mel < knee ? mel * step : 1000 * std::exp(ratio * (mel - knee));
}
inline double mel_of(double hertz) {
  const double step = 200. / 3, knee = 1000 / step, ratio = std::log(6.4) / 27;
  return hertz < 1000 ? hertz / step : knee + std::log(hertz / 1000) / ratio;
}

// Triangles of equal area over the bins, [mels, bins].
inline std::vector<float> mel_weights() {
  std::vector<double> edge;
  const double top = mel_of(rate / 2.);
  for (dim_t m = 0; m < mels + 2; ++m) edge.push_back(hertz_of(top * static_cast<double>(m) / static_cast<double>(mels + 1)));
  std::vector<float> w;
  for (std::size_t m = 0; m < static_cast<std::size_t>(mels); ++m)
    for (dim_t k = 0; k < bins; ++k) {
      const double f = static_cast<double>(k) * rate / 321;
      const double up = (f - edge[m]) / (edge[m + 1] - edge[m]), down = (edge[m + 2] - f) / (edge[m + 2] - edge[m + 1]);
      w.push_back(static_cast<float>(std::max(0., std::min(up, down)) * 2 / (edge[m + 2] - edge[m])));
    }
  return w;
}

// The mel bands that the network of ITU-T P.808 sees, [frames, mels]: decibels below the loudest, 80 at most, as
// (dB + 40) / 40. x: 144,000 samples.
inline std::vector<float> log_mels(std::span<const float> x) {
  static const transform fourier = hann_fourier();
  static const std::vector<float> weights = mel_weights();
  std::vector<float> padded(static_cast<std::size_t>(160 + frames * hop + 160 + 1));
  std::copy(x.begin(), x.end(), padded.begin() + 160);
  const std::vector<float> p = powers(fourier, padded);
  std::vector<float> y(static_cast<std::size_t>(frames * mels));
  for (dim_t f = 0; f < frames; ++f)
    for (dim_t m = 0; m < mels; ++m) {
      double sum = 0;
      for (dim_t k = 0; k < bins; ++k)
        sum += static_cast<double>(weights[static_cast<std::size_t>(m * bins + k)]) *
               static_cast<double>(p[static_cast<std::size_t>(f * bins + k)]);
      y[static_cast<std::size_t>(f * mels + m)] = static_cast<float>(std::max(sum, 1e-10));
    }
  const float loudest = *std::max_element(y.begin(), y.end());
  for (float& v : y) v = (std::max(10 * std::log10(v) - 10 * std::log10(loudest), -80.f) + 40) / 40;
  return y;
}

}  // namespace avss::dnsmos_features
