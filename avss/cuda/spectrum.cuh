// STFT and its inverse on the device, as matrix products with the transform's cosines and sines: for windows of a few hundred
// samples the products take less time than the memory does.
//   C [T, window] the windowed frames, K [window, bins] the cosines, S the sines with their sign
//   spectrum = (C K, C S)    its adjoint and, with K and S weighted, the inverse: C = Re K' + Im S'
#pragma once

#include <avss/cuda/product.cuh>
#include <avss/op/spectrum.hpp>
#include <cmath>

namespace avss {
namespace cuda_kernel {

// table [2, window, bins]: cos and -sin of 2 pi i f / window; for the inverse times what a bin counts, and no sines in the
// first and the last bin. hann [window]: the window, rounded to float.
struct fourier_tables {
  static constexpr int threads = 256;
  static constexpr bool cooperates = false;
  dim_t window, bins;
  bool inverse;
  float *table, *hann;

  AVSS_DEVICE double angle(dim_t turn) const {
    return 2 * 3.14159265358979323846 * static_cast<double>(turn) / static_cast<double>(window);
  }
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t at = t.block() * threads + t.index(), i = at / bins, f = at % bins;
    if (i >= window) return;
    if (f == 0) hann[i] = static_cast<float>(0.5 - 0.5 * std::cos(angle(i)));
    const bool real = f == 0 || 2 * f == window;
    const double weight = inverse ? (real ? 1.0 : 2.0) / static_cast<double>(window) : 1.0;
    const double turned = angle(i * f % window);
    table[at] = static_cast<float>(weight * std::cos(turned));
    table[window * bins + at] = real && inverse ? 0.f : static_cast<float>(-weight * std::sin(turned));
  }
};

// 1 / sum of the squared windows over sample `at`.
AVSS_DEVICE inline double overlap_gain(const op::framing& n, const float* hann, dim_t at) {
  const dim_t padded = at + n.window / 2;
  double sum = 0;
  for (dim_t t = padded < n.window ? 0 : (padded - n.window) / n.hop + 1; t < n.frames() && t * n.hop <= padded; ++t) {
    const double w = hann[padded - t * n.hop];
    sum += w * w;
  }
  return sum > 0 ? 1 / sum : 0;
}

// Rows of these passes are items, places in them t = frame window + sample of the frame.

// cut = hann x, x mirrored at its ends.
struct cut_mirrored_body {
  static constexpr int sums = 0;
  op::framing n;
  const float* hann;
  const float* x;
  float* cut;
  AVSS_DEVICE void operator()(const place& p, double*) const {
    const dim_t i = p.t % n.window, sample = p.t / n.window * n.hop + i - n.window / 2;
    const dim_t at = sample < 0 ? -sample : sample >= n.length ? 2 * (n.length - 1) - sample : sample;
    cut[p.i] = at < n.given ? hann[i] * x[p.b * n.given + at] : 0.f;
  }
};

// cut = hann gain dx, zero outside of what is covered.
struct cut_covered_body {
  static constexpr int sums = 0;
  op::framing n;
  dim_t covered;
  const float* hann;
  const float* dx;
  float* cut;
  AVSS_DEVICE void operator()(const place& p, double*) const {
    const dim_t i = p.t % n.window, at = p.t / n.window * n.hop + i - n.window / 2;
    const bool inside = at >= 0 && at < covered;
    cut[p.i] = inside ? static_cast<float>(hann[i] * overlap_gain(n, hann, at) * dx[p.b * n.given + at]) : 0.f;
  }
};

// Sum of hann cut over the frames that hold a sample, counted from half a window before the first.
AVSS_DEVICE inline float overlapped(const op::framing& n, const float* hann, const float* cut, dim_t padded) {
  float sum = 0;
  for (dim_t t = padded < n.window ? 0 : (padded - n.window) / n.hop + 1; t < n.frames() && t * n.hop <= padded; ++t)
    sum += hann[padded - t * n.hop] * cut[t * n.window + padded - t * n.hop];
  return sum;
}

// dx of what was cut with mirrored ends. place: of dx.
struct add_mirrored_body {
  static constexpr int sums = 0;
  op::framing n;
  const float* hann;
  const float* cut;
  float* dx;
  AVSS_DEVICE void operator()(const place& p, double*) const {
    const dim_t half = n.window / 2;
    const float* const from = cut + p.b * n.frames() * n.window;
    float sum = overlapped(n, hann, from, p.t + half);
    if (p.t > 0 && p.t <= half) sum += overlapped(n, hann, from, half - p.t);
    const dim_t behind = 2 * (n.length - 1) - p.t;
    if (p.t < n.length - 1 && behind < n.length + half) sum += overlapped(n, hann, from, behind + half);
    dx[p.i] = sum;
  }
};

struct overlap_covered_body {
  static constexpr int sums = 0;
  op::framing n;
  dim_t covered;
  const float* hann;
  const float* cut;
  float* x;
  AVSS_DEVICE void operator()(const place& p, double*) const {
    const float* const from = cut + p.b * n.frames() * n.window;
    x[p.i] = p.t < covered ? static_cast<float>(overlapped(n, hann, from, p.t + n.window / 2) * overlap_gain(n, hann, p.t)) : 0;
  }
};

// In float32 whatever the precision of networks: spectra are signals, and are heard and measured.
class transform {
 public:
  transform(carver& m, const op::framing& n)
      : n_(n),
        table_(m.take<float>(2 * n.window * n.bins())),
        hann_(m.take<float>(n.window)),
        cut_(m.take<float>(n.batch * n.frames() * n.window)),
        workspace_(m.take<std::byte>(cuda_backend::product_workspace)) {}

  void tables(const cuda_backend& backend, bool inverse) const {
    launch(backend, "tables of the Fourier transform", fourier_tables{n_.window, n_.bins(), inverse, table_, hann_},
           blocks_for(n_.window * n_.bins(), fourier_tables::threads));
  }
  template <class Body>
  void over_frames(const cuda_backend& backend, const char* name, const Body& body) const {
    pass_rows(backend, name, n_.batch, 1, n_.frames() * n_.window, body);
  }
  template <class Body>
  void over_samples(const cuda_backend& backend, const char* name, const Body& body) const {
    pass_rows(backend, name, n_.batch, 1, n_.given, body);
  }
  // spectrum [B, 2, T, bins] of the frames.
  void to_bins(const cuda_backend& backend, float* spectrum) const {
    for (dim_t part = 0; part < 2; ++part)
      multiply(
          backend,
          {n_.frames(), n_.bins(), n_.window, n_.batch, frames(), basis(part, false), spectrum + part * plane(), 2 * plane()},
          workspace_, product_precision::float32);
  }
  void from_bins(const cuda_backend& backend, const float* spectrum) const {
    for (dim_t part = 0; part < 2; ++part)
      multiply(backend,
               {n_.frames(),
                n_.window,
                n_.bins(),
                n_.batch,
                {spectrum + part * plane(), n_.bins(), 2 * plane()},
                basis(part, true),
                cut_,
                n_.frames() * n_.window,
                part ? 1.f : 0.f},
               workspace_, product_precision::float32);
  }
  const float* hann() const { return hann_; }
  float* cut() const { return cut_; }

 private:
  dim_t plane() const { return n_.frames() * n_.bins(); }
  matrix frames() const { return {cut_, n_.window, n_.frames() * n_.window}; }
  matrix basis(dim_t part, bool turned) const { return {table_ + part * n_.window * n_.bins(), n_.bins(), 0, turned}; }

  op::framing n_;
  float *table_, *hann_, *cut_;
  void* workspace_;
};

template <class Op>
std::size_t transform_bytes(const Op& o) {
  return layout_bytes([&](carver& m) { transform(m, o.n); });
}

}  // namespace cuda_kernel

inline std::size_t scratch_bytes(const cuda_backend&, const op::stft_fwd<float>& o) { return cuda_kernel::transform_bytes(o); }
inline std::size_t scratch_bytes(const cuda_backend&, const op::stft_bwd<float>& o) { return cuda_kernel::transform_bytes(o); }
inline std::size_t scratch_bytes(const cuda_backend&, const op::istft_fwd<float>& o) { return cuda_kernel::transform_bytes(o); }
inline std::size_t scratch_bytes(const cuda_backend&, const op::istft_bwd<float>& o) { return cuda_kernel::transform_bytes(o); }

inline void execute(cuda_backend& backend, const op::stft_fwd<float>& o, void* scratch) {
  carver memory(scratch);
  const cuda_kernel::transform f(memory, o.n);
  f.tables(backend, false);
  f.over_frames(backend, "frames of a signal", cuda_kernel::cut_mirrored_body{o.n, f.hann(), o.x, f.cut()});
  f.to_bins(backend, o.spectrum);
}

inline void execute(cuda_backend& backend, const op::stft_bwd<float>& o, void* scratch) {
  carver memory(scratch);
  const cuda_kernel::transform f(memory, o.n);
  f.tables(backend, false);
  f.from_bins(backend, o.dspectrum);
  f.over_samples(backend, "back to a signal", cuda_kernel::add_mirrored_body{o.n, f.hann(), f.cut(), o.dx});
}

inline void execute(cuda_backend& backend, const op::istft_fwd<float>& o, void* scratch) {
  carver memory(scratch);
  const cuda_kernel::transform f(memory, o.n);
  f.tables(backend, true);
  f.from_bins(backend, o.spectrum);
  f.over_samples(backend, "overlap-add", cuda_kernel::overlap_covered_body{o.n, o.covered, f.hann(), f.cut(), o.x});
}

inline void execute(cuda_backend& backend, const op::istft_bwd<float>& o, void* scratch) {
  carver memory(scratch);
  const cuda_kernel::transform f(memory, o.n);
  f.tables(backend, true);
  f.over_frames(backend, "frames of a gradient", cuda_kernel::cut_covered_body{o.n, o.covered, f.hann(), o.dx, f.cut()});
  f.to_bins(backend, o.dspectrum);
}

}  // namespace avss
