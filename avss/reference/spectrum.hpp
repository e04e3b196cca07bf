// STFT and its inverse, as plain sums over samples and bins.
#pragma once

#include <avss/op/spectrum.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace avss {
namespace ref {

// The window, and cos and sin of 2 pi i / window.
struct fourier_tables {
  explicit fourier_tables(dim_t window) {
    for (dim_t i = 0; i < window; ++i) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(window);
      hann.push_back(static_cast<double>(static_cast<float>(0.5 - 0.5 * std::cos(angle))));
      cosine.push_back(std::cos(angle));
      sine.push_back(std::sin(angle));
    }
  }
  std::vector<double> hann, cosine, sine;
};

// The sample that stands at `at`, which may lie up to half a window outside of the signal.
inline dim_t mirrored(dim_t at, dim_t length) { return at < 0 ? -at : at >= length ? 2 * (length - 1) - at : at; }

// body(item, frame, first sample, index of the frame's first real part); the imaginary parts lie frames * bins behind.
template <class Body>
void for_each_frame(const op::framing& n, Body&& body) {
  for (dim_t b = 0; b < n.batch; ++b)
    for (dim_t t = 0; t < n.frames(); ++t) body(b, t * n.hop - n.window / 2, (b * 2 * n.frames() + t) * n.bins());
}

// 1 / sum of the squared windows over every sample.
inline std::vector<double> overlap_gain(const op::framing& n, const fourier_tables& table) {
  std::vector<double> gain(static_cast<std::size_t>(n.length));
  for (dim_t t = 0; t < n.frames(); ++t)
    for (dim_t i = 0; i < n.window; ++i) {
      const dim_t at = t * n.hop - n.window / 2 + i;
      const double w = table.hann[static_cast<std::size_t>(i)];
      if (at >= 0 && at < n.length) gain[static_cast<std::size_t>(at)] += w * w;
    }
  for (double& g : gain) g = g > 0 ? 1 / g : 0;
  return gain;
}

// What bin f counts in the inverse transform: twice, but for the first and the last.
inline double bin_weight(const op::framing& n, dim_t f) {
  return (f == 0 || 2 * f == n.window ? 1.0 : 2.0) / static_cast<double>(n.window);
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::stft_fwd<T>& o, void*) {
  const ref::fourier_tables table(o.n.window);
  const dim_t imaginary = o.n.frames() * o.n.bins();
  ref::for_each_frame(o.n, [&](dim_t b, dim_t first, dim_t to) {
    for (dim_t f = 0; f < o.n.bins(); ++f) {
      double re = 0, im = 0;
      for (dim_t i = 0; i < o.n.window; ++i) {
        const std::size_t turn = static_cast<std::size_t>(f * i % o.n.window);
        const dim_t at = ref::mirrored(first + i, o.n.length);
        if (at >= o.n.given) continue;
        const double v = table.hann[static_cast<std::size_t>(i)] * o.x[b * o.n.given + at];
        re += v * table.cosine[turn];
        im -= v * table.sine[turn];
      }
      o.spectrum[to + f] = static_cast<T>(re);
      o.spectrum[to + imaginary + f] = static_cast<T>(im);
    }
  });
}

template <class T>
void execute(reference<T>&, const op::stft_bwd<T>& o, void*) {
  const ref::fourier_tables table(o.n.window);
  const dim_t imaginary = o.n.frames() * o.n.bins();
  for (dim_t i = 0; i < o.n.batch * o.n.given; ++i) o.dx[i] = 0;
  ref::for_each_frame(o.n, [&](dim_t b, dim_t first, dim_t from) {
    for (dim_t i = 0; i < o.n.window; ++i) {
      const dim_t at = ref::mirrored(first + i, o.n.length);
      if (at >= o.n.given) continue;
      double d = 0;
      for (dim_t f = 0; f < o.n.bins(); ++f) {
        const std::size_t turn = static_cast<std::size_t>(f * i % o.n.window);
        d += o.dspectrum[from + f] * table.cosine[turn] - o.dspectrum[from + imaginary + f] * table.sine[turn];
      }
      o.dx[b * o.n.given + at] += static_cast<T>(table.hann[static_cast<std::size_t>(i)] * d);
    }
  });
}

template <class T>
void execute(reference<T>&, const op::istft_fwd<T>& o, void*) {
  const ref::fourier_tables table(o.n.window);
  const std::vector<double> gain = ref::overlap_gain(o.n, table);
  const dim_t imaginary = o.n.frames() * o.n.bins();
  for (dim_t i = 0; i < o.n.batch * o.n.given; ++i) o.x[i] = 0;
  ref::for_each_frame(o.n, [&](dim_t b, dim_t first, dim_t from) {
    for (dim_t i = 0; i < o.n.window; ++i) {
      const dim_t at = first + i;
      if (at < 0 || at >= o.covered) continue;
      double v = 0;
      for (dim_t f = 0; f < o.n.bins(); ++f) {
        const std::size_t turn = static_cast<std::size_t>(f * i % o.n.window);
        const bool real = f == 0 || 2 * f == o.n.window;  // the sine is zero there, but for rounding
        v += ref::bin_weight(o.n, f) *
             (o.spectrum[from + f] * table.cosine[turn] - (real ? 0 : o.spectrum[from + imaginary + f] * table.sine[turn]));
      }
      o.x[b * o.n.given + at] +=
          static_cast<T>(v * table.hann[static_cast<std::size_t>(i)] * gain[static_cast<std::size_t>(at)]);
    }
  });
}

template <class T>
void execute(reference<T>&, const op::istft_bwd<T>& o, void*) {
  const ref::fourier_tables table(o.n.window);
  const std::vector<double> gain = ref::overlap_gain(o.n, table);
  const dim_t imaginary = o.n.frames() * o.n.bins();
  ref::for_each_frame(o.n, [&](dim_t b, dim_t first, dim_t to) {
    for (dim_t f = 0; f < o.n.bins(); ++f) {
      double re = 0, im = 0;
      for (dim_t i = 0; i < o.n.window; ++i) {
        const dim_t at = first + i;
        if (at < 0 || at >= o.covered) continue;
        const std::size_t turn = static_cast<std::size_t>(f * i % o.n.window);
        const double d =
            table.hann[static_cast<std::size_t>(i)] * gain[static_cast<std::size_t>(at)] * o.dx[b * o.n.given + at];
        re += d * table.cosine[turn];
        im -= d * table.sine[turn];
      }
      const bool real = f == 0 || 2 * f == o.n.window;
      o.dspectrum[to + f] = static_cast<T>(ref::bin_weight(o.n, f) * re);
      o.dspectrum[to + imaginary + f] = real ? T(0) : static_cast<T>(ref::bin_weight(o.n, f) * im);
    }
  });
}

}  // namespace avss
