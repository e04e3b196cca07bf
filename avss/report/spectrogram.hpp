// Pictures of the energy of a sound over time and frequency.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/report/png.hpp>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <unsupported/Eigen/FFT>
#include <vector>

namespace avss {

struct spectrogram_options {
  double window = 0.032;  // s, a Hann window: 32 ms keep the harmonics of voices apart
  double hop = 0.008;     // s
};

// power [frames][bins], full scale sines have about 1; bin b is at b / (bins - 1) of half the rate.
struct spectrogram {
  std::size_t frames = 0, bins = 0;
  std::vector<float> power;
  float at(std::size_t frame, std::size_t bin) const { return power[frame * bins + bin]; }
};

// Frame n is centred on n hop; the sound is silent before its beginning and after its end. Bins are twice as many as the
// window needs, so that the picture is smooth. Throws error for no samples and for options that make no sense.
inline spectrogram analyse(std::span<const float> x, int rate, spectrogram_options o = {}) {
  const auto samples = [&](double seconds) { return static_cast<std::ptrdiff_t>(std::lround(seconds * rate)); };
  const std::ptrdiff_t length = samples(o.window), hop = samples(o.hop), size = static_cast<std::ptrdiff_t>(x.size());
  if (x.empty()) fail("a spectrogram needs at least one sample");
  if (length < 2 || hop < 1 || length > 1 << 20)
    fail("a spectrogram of windows of ", o.window, " s, one every ", o.hop, " s, cannot be made at ", rate, " Hz");
  std::size_t points = 2;
  while (points < 2 * static_cast<std::size_t>(length)) points *= 2;
  std::vector<double> window(static_cast<std::size_t>(length)), in(points);
  double sum = 0;
  for (std::size_t i = 0; i < window.size(); ++i)
    sum += window[i] =
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(length));

  Eigen::FFT<double> fft;
  fft.SetFlag(Eigen::FFT<double>::HalfSpectrum);
  std::vector<std::complex<double>> out;
  spectrogram s{static_cast<std::size_t>((size - 1) / hop + 1), points / 2 + 1, {}};
  s.power.reserve(s.frames * s.bins);
  for (std::size_t n = 0; n < s.frames; ++n) {
    const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(n) * hop - length / 2;
    for (std::ptrdiff_t i = 0; i < length; ++i) {
      const bool inside = from + i >= 0 && from + i < size;
      in[static_cast<std::size_t>(i)] =
          inside ? static_cast<double>(x[static_cast<std::size_t>(from + i)]) * window[static_cast<std::size_t>(i)] : 0;
    }
    fft.fwd(out, in);
    for (std::size_t b = 0; b < s.bins; ++b) s.power.push_back(static_cast<float>(4 * std::norm(out[b]) / (sum * sum)));
  }
  return s;
}

// The largest power in dB, -infinity for silence: what pictures that are compared have as their common top.
inline double top_of(const spectrogram& s) {
  const float top = s.power.empty() ? 0.f : *std::max_element(s.power.begin(), s.power.end());
  return 10 * std::log10(static_cast<double>(top));
}

namespace detail {

// Means of a line of n values over m equal parts, or values in between where m is the larger.
inline void stretch(std::span<const double> in, std::span<double> out) {
  const double ratio = static_cast<double>(in.size()) / static_cast<double>(out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double from = static_cast<double>(i) * ratio, to = from + ratio;
    if (ratio <= 1) {
      const double centre = std::clamp((from + to) / 2 - 0.5, 0., static_cast<double>(in.size() - 1));
      const std::size_t a = static_cast<std::size_t>(centre), b = std::min(a + 1, in.size() - 1);
      out[i] = in[a] + (centre - static_cast<double>(a)) * (in[b] - in[a]);
      continue;
    }
    double sum = 0;
    for (std::size_t j = static_cast<std::size_t>(from); j < in.size() && static_cast<double>(j) < to; ++j)
      sum += in[j] * (std::min(to, static_cast<double>(j + 1)) - std::max(from, static_cast<double>(j)));
    out[i] = sum / ratio;
  }
}

}  // namespace detail

// Time from left to right, frequency from 0 at the bottom to half the rate. `top` dB and more have the last colour, `range`
// dB less and below the first. Throws error for a picture without pixels.
inline indexed_picture draw(const spectrogram& s, std::size_t width, std::size_t height, double top, double range) {
  if (width == 0 || height == 0 || s.power.empty()) fail("a spectrogram cannot be drawn ", width, " by ", height);
  indexed_picture picture{width, height, std::vector<std::uint8_t>(width * height)};
  std::vector<double> line(s.bins), column(height), row(s.frames), stretched(width), grid(s.frames * height);
  for (std::size_t n = 0; n < s.frames; ++n) {
    for (std::size_t b = 0; b < s.bins; ++b) line[b] = static_cast<double>(s.at(n, b));
    detail::stretch(line, column);
    for (std::size_t y = 0; y < height; ++y) grid[y * s.frames + n] = column[y];
  }
  for (std::size_t y = 0; y < height; ++y) {
    std::copy_n(grid.begin() + static_cast<std::ptrdiff_t>(y * s.frames), s.frames, row.begin());
    detail::stretch(row, stretched);
    for (std::size_t x = 0; x < width; ++x) {
      const double level = (10 * std::log10(std::max(stretched[x], 1e-30)) - top) / range + 1;  // 0 to 1
      const double shown = std::isfinite(level) ? std::clamp(level, 0., 1.) : 0;
      picture.pixels[(height - 1 - y) * width + x] = static_cast<std::uint8_t>(std::lround(255 * shown));
    }
  }
  return picture;
}

}  // namespace avss
