// Gradients of weights that each meet one value at every place of an output row: sums over rows, some taps at a time.
#pragma once

#include <avss/cuda/passes.cuh>

namespace avss::cuda_kernel {

// Taps of which one pass makes the sums: what a thread has registers for. The next sum is that of dy alone.
inline constexpr int tap_group = 16;

// met(place, tap): what the weight of that tap met at a place of dy.
template <class Met>
struct tap_body {
  static constexpr int sums = tap_group + 1;
  Met met;
  dim_t first, taps;  // of this pass; of all
  const float* dy;
  AVSS_DEVICE void operator()(const place& at, double (&sum)[tap_group + 1]) const {
    const float d = dy[at.i];
    AVSS_UNROLL
    for (int k = 0; k < tap_group; ++k)
      if (first + k < taps) sum[k] += static_cast<double>(d) * met(at, first + k);
    sum[tap_group] += d;
  }
};

// dweight[c, first + k] += sum over b and pieces of partial[b, c, piece, k]; with the first taps dbias likewise.
struct add_taps {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  dim_t batch, channels, pieces, first, taps;
  const double* partial;
  float *dweight, *dbias;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t i = t.block() * threads + t.index(), c = i / (tap_group + 1), k = i % (tap_group + 1);
    const bool bias = k == tap_group;
    if (c >= channels || (bias ? !dbias || first > 0 : first + k >= taps)) return;
    double sum = 0;
    for (dim_t b = 0; b < batch; ++b)
      for (dim_t p = 0; p < pieces; ++p) sum += partial[((b * channels + c) * pieces + p) * (tap_group + 1) + k];
    (bias ? dbias[c] : dweight[c * taps + first + k]) += static_cast<float>(sum);
  }
};

// dy [B, C, n], dweight [C, taps], dbias [C] or null; both are added to.
class tap_sums {
 public:
  tap_sums(carver& m, dim_t batch, dim_t channels, dim_t n)
      : partial_(m.take<double>(batch * channels * row_pieces(n) * (tap_group + 1))) {}
  template <class Met>
  void add(const cuda_backend& backend, dim_t batch, dim_t channels, dim_t n, dim_t taps, const Met& met, const float* dy,
           float* dweight, float* dbias) const {
    for (dim_t first = 0; first < taps; first += tap_group) {
      pass_rows(backend, "gradients of taps", batch, channels, n, tap_body<Met>{met, first, taps, dy}, partial_);
      launch(backend, "gradients of taps, joined",
             add_taps{batch, channels, row_pieces(n), first, taps, partial_, dweight, dbias},
             blocks_for(channels * (tap_group + 1), add_taps::threads));
    }
  }

 private:
  double* partial_;
};

}  // namespace avss::cuda_kernel
