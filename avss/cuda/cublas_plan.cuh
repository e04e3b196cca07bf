// What cuBLASLt must know of a matrix product, kept for the next one of the same sizes. Seen by nvcc only.
#pragma once

#include <cublasLt.h>

#include <avss/core/shape.hpp>
#include <avss/cuda/bounded_cache.hpp>
#include <avss/cuda/precision.hpp>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace avss::cuda_kernel {

// How a matrix lies, in column-major order.
struct cublas_layout {
  dim_t column;  // from one column to the next
  dim_t step;    // from one matrix of the batch to the next
  bool turned;
  std::uint32_t aligned = sizeof(float);  // all of its addresses are multiples of so many bytes
  auto operator<=>(const cublas_layout&) const = default;
};

// Of [m, n] = [m, k] [k, n], `batch` times: all that a description and an algorithm depend on, for one device.
struct cublas_sizes {
  dim_t m, n, k, batch;
  cublas_layout a, b, to;
  product_precision precision;
  auto operator<=>(const cublas_sizes&) const = default;
};

namespace detail {

// Owns a cuBLASLt description.
template <class Handle, cublasStatus_t (*Destroy)(Handle)>
struct description {
  Handle handle = nullptr;
  description() = default;
  description(const description&) = delete;
  description& operator=(const description&) = delete;
  ~description() {
    if (handle) (void)Destroy(handle);
  }
};
using layout = description<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using operation = description<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using preference = description<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

}  // namespace detail

struct cublas_plan {
  detail::layout a, b, to;
  detail::operation multiply;
  cublasLtMatmulAlgo_t algorithm{};
};

// A network has some hundred products, and one for each length of its inputs.
inline constexpr std::size_t most_cublas_plans = 1024;
using cublas_plans = bounded_cache<cublas_sizes, std::unique_ptr<cublas_plan>>;

}  // namespace avss::cuda_kernel
