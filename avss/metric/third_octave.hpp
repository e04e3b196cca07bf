// What STOI compares: the third-octave bands of speech at 10 kHz, frames of 25.6 ms every 12.8 ms, silent ones left out.
#pragma once

#include <algorithm>
#include <array>
#include <avss/dsp/batch_fft.hpp>
#include <avss/dsp/lanes.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

namespace avss::third_octave {

inline constexpr int rate = 10000;  // Hz
inline constexpr std::size_t frame = 256, hop = frame / 2, points = 512, bands = 15;
// The first bin of each band and the end of the last: 150 Hz 2^((2 k - 1) / 6), on the nearest bin.
inline constexpr std::array<std::size_t, bands + 1> edges = {7, 9, 11, 14, 17, 22, 27, 34, 43, 55, 69, 87, 109, 138, 174, 219};

// One frame: magnitudes of the bands, and a zero.
struct band_frame {
  std::array<lanes::vec, 2> half{};
};

// sin^2 window without its zeros at either end (MATLAB's hanning).
inline const std::array<double, frame>& window() {
  static const std::array<double, frame> w = [] {
    std::array<double, frame> made;
    for (std::size_t n = 0; n < frame; ++n)
      made[n] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n + 1) / static_cast<double>(frame + 1));
    return made;
  }();
  return w;
}

// Frames that begin at 0, hop, ... before n - frame: the reference leaves out the one that ends with the signal.
constexpr std::size_t frames_in(std::size_t n) { return n > frame ? (n - frame + hop - 1) / hop : 0; }

// The beginnings of those frames of x that are less than 40 dB below the loudest.
inline std::vector<std::size_t> sounding_frames(std::span<const double> x) {
  const auto& w = window();
  std::vector<double> level(frames_in(x.size()));
  for (std::size_t i = 0; i < level.size(); ++i) {
    std::array<double, frame> windowed;
    for (std::size_t n = 0; n < frame; ++n) windowed[n] = w[n] * x[i * hop + n];
    level[i] = 20 * std::log10(std::sqrt(lanes::dot(windowed.data(), windowed.data(), frame)) +
                               std::numeric_limits<double>::epsilon());
  }
  std::vector<std::size_t> kept;
  if (level.empty()) return kept;
  const double loudest = *std::max_element(level.begin(), level.end());
  for (std::size_t i = 0; i < level.size(); ++i)
    if (loudest - 40 - level[i] < 0) kept.push_back(i * hop);
  return kept;
}

// Those frames of x, windowed, laid one over the other at `hop`.
inline std::vector<double> joined(std::span<const double> x, std::span<const std::size_t> kept) {
  const auto& w = window();
  std::vector<double> y(kept.empty() ? 0 : (kept.size() - 1) * hop + frame);
  for (std::size_t i = 0; i < kept.size(); ++i)
    for (std::size_t n = 0; n < frame; ++n) y[i * hop + n] += w[n] * x[kept[i] + n];
  return y;
}

namespace detail {

// Adds sqrt of the energies of each band to the frames of both parts: z = a + i b of two real frames in each lane.
inline void separate(const lanes::array_of<lane_point>& z, std::span<band_frame> frames) {
  for (std::size_t band = 0; band < bands; ++band) {
    lanes::vec a{}, b{};
    for (std::size_t k = edges[band]; k < edges[band + 1]; ++k) {
      const lane_point &p = z[k], &q = z[points - k];
      a += (p.re + q.re) * (p.re + q.re) + (p.im - q.im) * (p.im - q.im);
      b += (p.im + q.im) * (p.im + q.im) + (q.re - p.re) * (q.re - p.re);
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const double energy = (i % 2 == 0 ? a : b)[i / 2] / 4;
      frames[i].half[band / lanes::width][band % lanes::width] = std::sqrt(energy);
    }
  }
}

}  // namespace detail

// The bands of all frames of x.
inline lanes::array_of<band_frame> spectrum(std::span<const double> x) {
  constexpr std::size_t together = 2 * lanes::width;
  const auto& w = window();
  const batch_fft& plan = batch_fft_of(points);
  lanes::array_of<band_frame> result(frames_in(x.size()));
  lanes::array_of<lane_point> z(points), scratch;
  for (std::size_t first = 0; first < result.size(); first += together) {
    const std::size_t count = std::min(together, result.size() - first);
    std::array<const double*, together> from;
    for (std::size_t i = 0; i < together; ++i) from[i] = x.data() + (first + std::min(i, count - 1)) * hop;
    for (std::size_t n = 0; n < frame; ++n) {
      for (std::size_t i = 0; i < lanes::width; ++i) z[n].re[i] = from[2 * i][n], z[n].im[i] = from[2 * i + 1][n];
      z[n].re *= w[n], z[n].im *= w[n];
    }
    std::fill(z.begin() + frame, z.end(), lane_point{});
    plan.forward(z, scratch);
    detail::separate(z, std::span(result).subspan(first, count));
  }
  return result;
}

}  // namespace avss::third_octave
