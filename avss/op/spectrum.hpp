// Short-time Fourier transform and its inverse.
#pragma once

#include <avss/core/shape.hpp>

namespace avss::op {

// Of a signal of `length` samples, the first `given` of which are there and the others zero, frames of `window` samples every
// `hop`, centred: the signal is extended by window / 2 on either side, mirrored at its
// first and last sample; so there are 1 + length / hop frames, and length > window / 2. The window is the periodic Hann
// window, 0.5 - 0.5 cos(2 pi n / window), rounded to float: the published networks were trained with that.
struct framing {
  dim_t batch, given, length, window, hop;

  constexpr dim_t frames() const { return 1 + length / hop; }
  constexpr dim_t bins() const { return window / 2 + 1; }
};

// spectrum [B, 2, frames, bins]: real and imaginary parts, not scaled.   x [B, given]
template <class T>
struct stft_fwd {
  framing n;
  const T* x;
  T* spectrum;
};

// dx [B, given], assigned.
template <class T>
struct stft_bwd {
  framing n;
  const T* dspectrum;
  T* dx;
};

// The signal of which `spectrum` would be the STFT, as nearly as there is one: windowed inverse transforms, overlapped and
// added, over the sum of the squared windows. The imaginary parts of the first and the last bin are not seen. Samples from
// `covered` on are zero: where one window's falling half alone covers them, that division amplifies every error.
template <class T>
struct istft_fwd {
  framing n;
  dim_t covered;  // at most n.given
  const T* spectrum;
  T* x;  // [B, given]
};

// dspectrum [B, 2, frames, bins], assigned.
template <class T>
struct istft_bwd {
  framing n;
  dim_t covered;
  const T* dx;
  T* dspectrum;
};

}  // namespace avss::op
