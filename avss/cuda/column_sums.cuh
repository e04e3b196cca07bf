// Sums over the rows of tall matrices.
#pragma once

#include <avss/cuda/backend.cuh>

namespace avss::cuda_kernel {

inline constexpr dim_t column_chunk = 512;  // rows of which a block makes sums

// partial [chunks, columns] of x [rows, columns], rows `pitch` apart. A warp reads 32 columns of one row.
template <class T>
struct column_parts {
  static constexpr int threads = 256;
  static constexpr bool cooperates = true;
  dim_t rows, columns, pitch;
  const T* x;
  double* partial;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    constexpr int warps = threads / 32;
    const dim_t tiles = blocks_for(columns, 32), chunk = t.block() / tiles;
    const int lane = t.index() % 32, warp = t.index() / 32;
    const dim_t c = t.block() % tiles * 32 + lane, first = chunk * column_chunk;
    double sum = 0;
    if (c < columns)
      for (dim_t r = first + warp; r < first + column_chunk && r < rows; r += warps)
        sum += static_cast<double>(x[r * pitch + c]);
    double* const shared = t.shared<double>();
    shared[t.index()] = sum;
    t.sync();
    if (warp > 0 || c >= columns) return;
    for (int w = 1; w < warps; ++w) sum += shared[w * 32 + lane];
    partial[chunk * columns + c] = sum;
  }
};

// to[c] += sum over chunks; `also` likewise, or null.
struct add_columns {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  dim_t chunks, columns;
  const double* partial;
  float *to, *also;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t c = t.block() * threads + t.index();
    if (c >= columns) return;
    double sum = 0;
    for (dim_t k = 0; k < chunks; ++k) sum += partial[k * columns + c];
    to[c] += static_cast<float>(sum);
    if (also) also[c] += static_cast<float>(sum);
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
    const dim_t chunks = blocks_for(rows, column_chunk);
    launch(backend, "sums of columns", kernel{rows, columns, pitch, x, partial_}, chunks * blocks_for(columns, 32),
           kernel::threads * sizeof(double));
    launch(backend, "sums of columns, joined", add_columns{chunks, columns, partial_, to, also},
           blocks_for(columns, add_columns::threads));
  }

 private:
  double* partial_;
};

}  // namespace avss::cuda_kernel
