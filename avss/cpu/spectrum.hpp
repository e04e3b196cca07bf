// STFT and its inverse as products with the Fourier basis: for windows of a few hundred samples as fast as anything that has to
// move its values about.
#pragma once

#include <avss/cpu/act_norm.hpp>
#include <avss/op/spectrum.hpp>
#include <cmath>
#include <numbers>

namespace avss {
namespace cpu_kernel {

// Windowed cosines and negative sines [2, window, bins]. For the inverse every bin has the weight with which it counts, and
// the sines that are zero but for rounding are zero.
struct fourier_basis {
  fourier_basis(carver& m, const op::framing& n)
      : n(n),
        values(m.take<float>(2 * n.window * n.bins())),
        hann(m.take<double>(n.window)),
        turn(m.take<double>(2 * n.window)) {}

  void prepare(bool inverse) const {
    for (dim_t i = 0; i < n.window; ++i) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n.window);
      hann[i] = static_cast<double>(static_cast<float>(0.5 - 0.5 * std::cos(angle)));
      turn[2 * i] = std::cos(angle);
      turn[2 * i + 1] = -std::sin(angle);
    }
    for (dim_t i = 0; i < n.window; ++i)
      for (dim_t f = 0; f < n.bins(); ++f) {
        const bool real = f == 0 || 2 * f == n.window;
        const double weight = hann[i] * (inverse ? (real ? 1.0 : 2.0) / static_cast<double>(n.window) : 1.0);
        const double* const at = turn + f * i % n.window * 2;
        float* const to = values + i * n.bins() + f;
        to[0] = static_cast<float>(weight * at[0]);
        to[n.window * n.bins()] = inverse && real ? 0.f : static_cast<float>(weight * at[1]);
      }
  }
  const float* part(int k) const { return values + k * n.window * n.bins(); }

  op::framing n;
  float* values;
  double *hann, *turn;
};

// Frames are multiplied in blocks.
inline constexpr dim_t spectrum_block = 64;

struct spectrum_scratch {
  spectrum_scratch(carver& m, const op::framing& n)
      : basis(m, n), frames(m.take<float>(n.batch * n.frames() * n.window)), gain(m.take<float>(n.length)) {}
  fourier_basis basis;
  float *frames, *gain;  // frames [B, frames, window]
};

// body(item, first frame, frames) for all blocks.
template <class Body>
void spectrum_blocks(const cpu& backend, const op::framing& n, Body&& body) {
  const dim_t blocks = (n.frames() + spectrum_block - 1) / spectrum_block;
  for_pieces(backend, n.batch * blocks, [&](dim_t i, int) {
    const dim_t first = i % blocks * spectrum_block;
    body(i / blocks, first, std::min(spectrum_block, n.frames() - first));
  });
}

// spectrum = frames times basis
inline void analyse(const cpu& backend, const op::framing& n, const spectrum_scratch& s, float* spectrum) {
  spectrum_blocks(backend, n, [&](dim_t b, dim_t first, dim_t size) {
    for (int k = 0; k < 2; ++k)
      gemm(transpose::no, transpose::no, size, n.bins(), n.window, s.frames + (b * n.frames() + first) * n.window, n.window,
           s.basis.part(k), n.bins(), 0.f, spectrum + ((b * 2 + k) * n.frames() + first) * n.bins(), n.bins());
  });
}
// frames = spectrum times the basis' transpose
inline void synthesise(const cpu& backend, const op::framing& n, const spectrum_scratch& s, const float* spectrum) {
  spectrum_blocks(backend, n, [&](dim_t b, dim_t first, dim_t size) {
    for (int k = 0; k < 2; ++k)
      gemm(transpose::no, transpose::yes, size, n.window, n.bins(), spectrum + ((b * 2 + k) * n.frames() + first) * n.bins(),
           n.bins(), s.basis.part(k), n.bins(), k ? 1.f : 0.f, s.frames + (b * n.frames() + first) * n.window, n.window);
  });
}

// body(place in the frames, sample) for all samples of an item's frames.
template <class Body>
void for_frame_samples(const op::framing& n, dim_t b, Body&& body) {
  for (dim_t t = 0; t < n.frames(); ++t)
    for (dim_t i = 0; i < n.window; ++i) body((b * n.frames() + t) * n.window + i, t * n.hop - n.window / 2 + i);
}
inline dim_t mirrored_sample(dim_t at, dim_t length) { return at < 0 ? -at : at >= length ? 2 * (length - 1) - at : at; }

// 1 / sum of the squared windows over every sample.
inline void make_gain(const op::framing& n, const spectrum_scratch& s) {
  std::fill_n(s.gain, n.length, 0.f);
  for_frame_samples(n, 0, [&](dim_t place, dim_t at) {
    const double w = s.basis.hann[place % n.window];
    if (at >= 0 && at < n.length) s.gain[at] += static_cast<float>(w * w);
  });
  for (dim_t i = 0; i < n.length; ++i) s.gain[i] = s.gain[i] > 0 ? 1 / s.gain[i] : 0;
}

}  // namespace cpu_kernel

template <class Op>
requires requires(const Op& o) { o.n.hop; }
std::size_t scratch_bytes(const cpu&, const Op& o) {
  return cpu_kernel::layout_bytes([&](carver& m) { cpu_kernel::spectrum_scratch(m, o.n); });
}

inline void execute(cpu& backend, const op::stft_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const spectrum_scratch s(memory, o.n);
  s.basis.prepare(false);
  for_pieces(backend, o.n.batch, [&](dim_t b, int) {
    for_frame_samples(o.n, b, [&](dim_t place, dim_t sample) {
      const dim_t at = mirrored_sample(sample, o.n.length);
      s.frames[place] = at < o.n.given ? o.x[b * o.n.given + at] : 0.f;
    });
  });
  analyse(backend, o.n, s, o.spectrum);
}

inline void execute(cpu& backend, const op::stft_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const spectrum_scratch s(memory, o.n);
  s.basis.prepare(false);
  synthesise(backend, o.n, s, o.dspectrum);
  for_pieces(backend, o.n.batch, [&](dim_t b, int) {
    std::fill_n(o.dx + b * o.n.given, o.n.given, 0.f);
    for_frame_samples(o.n, b, [&](dim_t place, dim_t sample) {
      const dim_t at = mirrored_sample(sample, o.n.length);
      if (at < o.n.given) o.dx[b * o.n.given + at] += s.frames[place];
    });
  });
}

inline void execute(cpu& backend, const op::istft_fwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const spectrum_scratch s(memory, o.n);
  s.basis.prepare(true);
  make_gain(o.n, s);
  synthesise(backend, o.n, s, o.spectrum);
  for_pieces(backend, o.n.batch, [&](dim_t b, int) {
    float* const x = o.x + b * o.n.given;
    std::fill_n(x, o.n.given, 0.f);
    for_frame_samples(o.n, b, [&](dim_t place, dim_t at) {
      if (at >= 0 && at < o.covered) x[at] += s.frames[place] * s.gain[at];
    });
  });
}

inline void execute(cpu& backend, const op::istft_bwd<float>& o, void* scratch) {
  using namespace cpu_kernel;
  carver memory(scratch);
  const spectrum_scratch s(memory, o.n);
  s.basis.prepare(true);
  make_gain(o.n, s);
  for_pieces(backend, o.n.batch, [&](dim_t b, int) {
    for_frame_samples(o.n, b, [&](dim_t place, dim_t at) {
      s.frames[place] = at >= 0 && at < o.covered ? o.dx[b * o.n.given + at] * s.gain[at] : 0.f;
    });
  });
  analyse(backend, o.n, s, o.dspectrum);
}

}  // namespace avss
