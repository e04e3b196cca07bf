// One matrix product through cuBLASLt. Seen by nvcc only.
#pragma once

#include <cublasLt.h>

#include <avss/cuda/device.cuh>

namespace avss::cuda_kernel {

struct cublas_matrix {
  const float* data;
  dim_t column;  // from one column to the next
  dim_t step;    // from one matrix of the batch to the next
  bool turned;
};

// to_i [m, n] = a_i [m, k] b_i [k, n] + beta start_i, all in column-major order; `start` lies as `to`.
struct cublas_product {
  dim_t m, n, k, batch;
  cublas_matrix a, b;
  const float* start;
  float* to;
  dim_t to_column, to_step;
  float beta;
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

inline void cublas_multiply(const cuda& backend, const cublas_product& p, void* workspace) {
  const auto check = [&](cublasStatus_t s) {
    cuda_check(s, "a matrix product [", p.n, ", ", p.k, "] x [", p.k, ", ", p.m, "], ", p.batch, " times");
  };
  const auto describe = [&](detail::layout& to, dim_t rows, dim_t columns, dim_t column, dim_t step) {
    check(cublasLtMatrixLayoutCreate(&to.handle, CUDA_R_32F, static_cast<std::uint64_t>(rows),
                                     static_cast<std::uint64_t>(columns), column));
    const auto batch = static_cast<std::int32_t>(p.batch);
    const std::int64_t offset = step;
    check(cublasLtMatrixLayoutSetAttribute(to.handle, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof batch));
    check(cublasLtMatrixLayoutSetAttribute(to.handle, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &offset, sizeof offset));
  };
  detail::layout a, b, to;
  describe(a, p.a.turned ? p.k : p.m, p.a.turned ? p.m : p.k, p.a.column, p.a.step);
  describe(b, p.b.turned ? p.n : p.k, p.b.turned ? p.k : p.n, p.b.column, p.b.step);
  describe(to, p.m, p.n, p.to_column, p.to_step);

  detail::operation multiply;
  check(cublasLtMatmulDescCreate(&multiply.handle, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  const auto turn = [&](cublasLtMatmulDescAttributes_t which, bool turned) {
    const cublasOperation_t how = turned ? CUBLAS_OP_T : CUBLAS_OP_N;
    check(cublasLtMatmulDescSetAttribute(multiply.handle, which, &how, sizeof how));
  };
  turn(CUBLASLT_MATMUL_DESC_TRANSA, p.a.turned);
  turn(CUBLASLT_MATMUL_DESC_TRANSB, p.b.turned);

  // Arrays of the arena begin at multiples of 64 bytes, items within them at those of one value.
  detail::preference want;
  check(cublasLtMatmulPreferenceCreate(&want.handle));
  const std::size_t most = cuda::product_workspace;
  check(cublasLtMatmulPreferenceSetAttribute(want.handle, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof most));
  const std::uint32_t aligned = sizeof(float);
  for (const auto which : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                           CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    check(cublasLtMatmulPreferenceSetAttribute(want.handle, which, &aligned, sizeof aligned));
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  check(cublasLtMatmulAlgoGetHeuristic(backend.products(), multiply.handle, a.handle, b.handle, to.handle, to.handle,
                                       want.handle, 1, &best, &found));
  if (found == 0) check(CUBLAS_STATUS_NOT_SUPPORTED);

  const float one = 1;
  check(cublasLtMatmul(backend.products(), multiply.handle, &one, p.a.data, a.handle, p.b.data, b.handle, &p.beta, p.start,
                       to.handle, p.to, to.handle, &best.algo, workspace, most, backend.stream()));
}

}  // namespace avss::cuda_kernel
