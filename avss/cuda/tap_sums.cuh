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

// dweight[c, first + k] += the sums of its rows; with the first taps dbias likewise. A lane for each sum, a warp for some rows.
struct add_taps {
  static constexpr int sums = 32;  // doubles of a warp
  dim_t first, taps;
  const double* partial;  // [parts, tap_group + 1]
  float *dweight, *dbias;
  AVSS_DEVICE void operator()(const simt::thread& t, const pass_size& n, rows_of of, dim_t c, double* shared) const {
    const int k = t.index() % 32, warp = t.index() / 32, warps = t.count() / 32;
    double sum = 0;
    if (k <= tap_group)
      for (dim_t i = warp; i < n.blocks(of); i += warps) sum += partial[n.part(of, c, i) * (tap_group + 1) + k];
    shared[t.index()] = sum;
    t.sync();
    const bool bias = k == tap_group;
    if (warp == 0 && k <= tap_group && (bias ? dbias && first == 0 : first + k < taps)) {
      for (int w = 1; w < warps; ++w) sum += shared[w * 32 + k];
      (bias ? dbias[c] : dweight[c * taps + first + k]) += static_cast<float>(sum);
    }
    t.sync();  // `shared` may be used again
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
    for (dim_t first = 0; first < taps; first += tap_group)
      pass_rows(backend, "gradients of taps", batch, channels, n, tap_body<Met>{met, first, taps, dy}, partial_,
                endings_of(ending{rows_of::channel, add_taps{first, taps, partial_, dweight, dbias}}));
  }

 private:
  double* partial_;
};

}  // namespace avss::cuda_kernel
