// Matrix products on the device, through cuBLASLt. The emulator makes them by plain loops.
#pragma once

#include <avss/cuda/backend.cuh>
#include <avss/cuda/passes.cuh>

#if defined(__CUDACC__)
#include <avss/cuda/cublas.cuh>
#else
#include <avss/cuda/rounding.hpp>
#endif

namespace avss::cuda_kernel {

// A matrix in row-major order, or `batch` of them; as it is, or turned.
struct matrix {
  const float* data;
  dim_t row;       // from one row to the next
  dim_t step = 0;  // from one matrix of the batch to the next
  bool turned = false;
};

// to_i [m, n] = a_i [m, k] b_i [k, n] + beta start_i,   i in [0, batch)
// a and b may be shared by the whole batch (step 0). start may be `to`; it is not read where beta is 0.
struct product {
  dim_t m, n, k, batch;
  matrix a, b;
  float* to;
  dim_t to_step;
  float beta = 0;
  const float* start = nullptr;  // lies as `to`
  dim_t to_row = 0;              // from one row of `to` to the next; 0: n
};

// In a precision of its own.
#if defined(__CUDACC__)
inline void multiply(const cuda& backend, const product& p, void* workspace, product_precision precision) {
  // cuBLAS counts columns: what it sees are the transposes, to' = b' a'.
  const auto seen = [](const matrix& x) { return cublas_layout{x.row, x.step, x.turned}; };
  const cublas_layout to{p.to_row ? p.to_row : p.n, p.to_step, false};
  cublas_multiply(backend,
                  {{p.n, p.m, p.k, p.batch, seen(p.b), seen(p.a), to, precision},
                   p.b.data,
                   p.a.data,
                   p.start ? p.start : p.to,
                   p.to,
                   p.beta},
                  workspace);
}
#else
namespace detail {

// Terms of rounded factors are exact in double, and so, nearly, is their sum.
template <product_precision P>
void multiply_rounded(const product& p) {
  for (dim_t i = 0; i < p.batch; ++i) {
    const auto at = [i](const matrix& x, dim_t r, dim_t c) {
      return static_cast<double>(emulated::factor<P>(x.data[i * x.step + (x.turned ? c * x.row + r : r * x.row + c)]));
    };
    for (dim_t r = 0; r < p.m; ++r)
      for (dim_t c = 0; c < p.n; ++c) {
        const dim_t place = i * p.to_step + r * (p.to_row ? p.to_row : p.n) + c;
        double sum = p.beta != 0 ? p.beta * (p.start ? p.start : p.to)[place] : 0;
        for (dim_t k = 0; k < p.k; ++k) sum += at(p.a, r, k) * at(p.b, k, c);
        p.to[place] = static_cast<float>(sum);
      }
  }
}

}  // namespace detail

inline void multiply(const emulated_cuda&, const product& p, void*, product_precision precision) {
  emulated::submit([=] {
    switch (precision) {
      case product_precision::float32: return detail::multiply_rounded<product_precision::float32>(p);
      case product_precision::tensor_float32: return detail::multiply_rounded<product_precision::tensor_float32>(p);
      case product_precision::bfloat16: return detail::multiply_rounded<product_precision::bfloat16>(p);
    }
  });
}
#endif

// In the precision that the backend has for networks.
inline void multiply(const cuda_backend& backend, const product& p, void* workspace) {
  multiply(backend, p, workspace, backend.precision());
}

// to[i] += sum over b of parts[b, i]
struct add_parts {
  static constexpr int threads = 256;
  static constexpr bool cooperates = false;
  dim_t n, batch;
  const float* parts;
  float* to;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t i = t.block() * threads + t.index();
    if (i >= n) return;
    float sum = 0;
    for (dim_t b = 0; b < batch; ++b) sum += parts[b * n + i];
    to[i] += sum;
  }
};

// Gradients of weights: to [m, n] += sum over the batch of a_i b_i.
class summed_product {
 public:
  summed_product(carver& m, dim_t rows, dim_t columns, dim_t batch)
      : parts_(batch > 1 ? m.take<float>(rows * columns * batch) : nullptr) {}
  void run(const cuda_backend& backend, product p, float* to, void* workspace) const {
    if (p.batch <= 1) {
      p.to = to;
      p.beta = 1;
      return multiply(backend, p, workspace);
    }
    p.to = parts_;
    p.to_step = p.m * p.n;
    multiply(backend, p, workspace);
    launch(backend, "gradient of a weight", add_parts{p.m * p.n, p.batch, parts_, to},
           blocks_for(p.m * p.n, add_parts::threads));
  }

 private:
  float* parts_;
};

}  // namespace avss::cuda_kernel
