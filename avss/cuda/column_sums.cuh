// Sums over the rows of tall matrices.
#pragma once

#include <avss/cuda/backend.cuh>

namespace avss::cuda_kernel {

inline constexpr dim_t column_chunk = 512;  // rows of which a block makes sums

// to[c] += sum over the rows of x [rows, columns], rows `pitch` apart; `also` likewise, or null. A warp reads 32 columns of one
// row; the last block of 32 columns joins the sums of all.
template <class T>
struct column_parts {
  static constexpr int threads = 256, warps = threads / 32;
  static constexpr bool cooperates = true;
  dim_t rows, columns, pitch;
  const T* x;
  double* partial;  // [chunks, columns]
  float *to, *also;
  unsigned* counters;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t tiles = blocks_for(columns, 32), chunks = blocks_for(rows, column_chunk);
    const dim_t tile = t.block() % tiles, chunk = t.block() / tiles, first = chunk * column_chunk;
    const int lane = t.index() % 32, warp = t.index() / 32;
    const dim_t c = tile * 32 + lane, end = first + column_chunk < rows ? first + column_chunk : rows;
    double sum = 0;
    if (c < columns)
      for (dim_t r = first + warp; r < end; r += warps) sum += static_cast<double>(x[r * pitch + c]);
    sum = over_warps(t, sum);
    if (warp == 0 && c < columns) partial[chunk * columns + c] = sum;
    if (!t.last_of(counters, tile, chunks)) return;
    sum = 0;
    if (c < columns)
      for (dim_t k = warp; k < chunks; k += warps) sum += partial[k * columns + c];
    sum = over_warps(t, sum);
    if (warp > 0 || c >= columns) return;
    to[c] += static_cast<float>(sum);
    if (also) also[c] += static_cast<float>(sum);
  }

 private:
  // The sum over the threads of a lane, for the first warp.
  AVSS_DEVICE static double over_warps(const simt::thread& t, double sum) {
    double* const shared = t.shared<double>();
    shared[t.index()] = sum;
    t.sync();
    if (t.index() < 32)
      for (int w = 1; w < warps; ++w) sum += shared[w * 32 + t.index()];
    t.sync();  // `shared` may be used again
    return sum;
  }
};

class column_sums {
 public:
  column_sums(carver& m, dim_t rows, dim_t columns) : partial_(m.take<double>(blocks_for(rows, column_chunk) * columns)) {}
  // to[c] += sum over the rows of x[r, c]
  template <class T>
  void add(const cuda_backend& backend, dim_t rows, dim_t columns, dim_t pitch, const T* x, float* to,
           float* also = nullptr) const {
    using kernel = column_parts<T>;
    constexpr dim_t at_once = cuda_backend::block_counters * 32;
    for (dim_t c = 0; c < columns; c += at_once) {
      const dim_t n = columns - c < at_once ? columns - c : at_once;
      launch(backend, "sums of columns",
             kernel{rows, n, pitch, x + c, partial_, to + c, also ? also + c : nullptr, backend.counters()},
             blocks_for(rows, column_chunk) * blocks_for(n, 32), kernel::threads * sizeof(double));
    }
  }

 private:
  double* partial_;
};

}  // namespace avss::cuda_kernel
