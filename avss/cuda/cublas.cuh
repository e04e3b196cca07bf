// Matrix products through cuBLASLt. Seen by nvcc only.
#pragma once

#include <cublasLt.h>

#include <algorithm>
#include <avss/cuda/cublas_plan.cuh>
#include <avss/cuda/device.cuh>
#include <cstdint>
#include <memory>

namespace avss::cuda_kernel {

// to_i [m, n] = a_i [m, k] b_i [k, n] + beta start_i, all in column-major order; `start` lies as `to`.
struct cublas_product {
  cublas_sizes sizes;
  const float *a, *b, *start;
  float* to;
  float beta;
};

inline void check_product(cublasStatus_t s, const cublas_sizes& n) {
  cuda_check(s, "a matrix product [", n.n, ", ", n.k, "] x [", n.k, ", ", n.m, "], ", n.batch, " times in ",
             precision_word(n.precision));
}

namespace detail {

// Factors are rounded on their way into the tensor cores, sums are in float32: arrays are float either way.
inline cublasComputeType_t compute_type(product_precision p) {
  switch (p) {
    case product_precision::tensor_float32: return CUBLAS_COMPUTE_32F_FAST_TF32;
    case product_precision::bfloat16: return CUBLAS_COMPUTE_32F_FAST_16BF;
    case product_precision::float32: break;
  }
  return CUBLAS_COMPUTE_32F;
}

inline void describe_product(const cublas_sizes& n, cublas_plan& p) {
  const auto describe = [&](layout& to, dim_t rows, dim_t columns, const cublas_layout& lies) {
    check_product(cublasLtMatrixLayoutCreate(&to.handle, CUDA_R_32F, static_cast<std::uint64_t>(rows),
                                             static_cast<std::uint64_t>(columns), lies.column),
                  n);
    const auto batch = static_cast<std::int32_t>(n.batch);
    const std::int64_t offset = lies.step;
    check_product(cublasLtMatrixLayoutSetAttribute(to.handle, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof batch), n);
    check_product(
        cublasLtMatrixLayoutSetAttribute(to.handle, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &offset, sizeof offset), n);
  };
  describe(p.a, n.a.turned ? n.k : n.m, n.a.turned ? n.m : n.k, n.a);
  describe(p.b, n.b.turned ? n.n : n.k, n.b.turned ? n.k : n.n, n.b);
  describe(p.to, n.m, n.n, n.to);
  check_product(cublasLtMatmulDescCreate(&p.multiply.handle, compute_type(n.precision), CUDA_R_32F), n);
  const auto turn = [&](cublasLtMatmulDescAttributes_t which, bool turned) {
    const cublasOperation_t how = turned ? CUBLAS_OP_T : CUBLAS_OP_N;
    check_product(cublasLtMatmulDescSetAttribute(p.multiply.handle, which, &how, sizeof how), n);
  };
  turn(CUBLASLT_MATMUL_DESC_TRANSA, n.a.turned);
  turn(CUBLASLT_MATMUL_DESC_TRANSB, n.b.turned);
}

inline void choose_algorithm(const cuda& backend, const cublas_sizes& n, cublas_plan& p) {
  preference want;
  check_product(cublasLtMatmulPreferenceCreate(&want.handle), n);
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t which, const auto& value) {
    check_product(cublasLtMatmulPreferenceSetAttribute(want.handle, which, &value, sizeof value), n);
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, cuda::usable_workspace);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, n.a.aligned);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, n.b.aligned);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, n.to.aligned);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, n.to.aligned);
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  check_product(cublasLtMatmulAlgoGetHeuristic(backend.products(), p.multiply.handle, p.a.handle, p.b.handle, p.to.handle,
                                               p.to.handle, want.handle, 1, &best, &found),
                n);
  if (found == 0) check_product(CUBLAS_STATUS_NOT_SUPPORTED, n);
  p.algorithm = best.algo;
}

// Of which multiple of bytes, up to 16, the addresses of all matrices of a batch are: what vectors of floats and the tensor
// cores' copies want, which whole arrays have and parts of them may not.
inline std::uint32_t alignment_of(const float* base, dim_t step, dim_t batch) {
  const std::uintptr_t all = reinterpret_cast<std::uintptr_t>(base) |
                             (batch > 1 ? static_cast<std::uintptr_t>(step) * sizeof(float) : 0) | std::uintptr_t{16};
  return static_cast<std::uint32_t>(all & (~all + 1));
}

inline void multiply_at_once(const cuda& backend, cublas_product p, void* workspace) {
  cublas_sizes& n = p.sizes;
  n.a.aligned = alignment_of(p.a, n.a.step, n.batch);
  n.b.aligned = alignment_of(p.b, n.b.step, n.batch);
  n.to.aligned = std::min(alignment_of(p.to, n.to.step, n.batch), alignment_of(p.start, n.to.step, n.batch));
  const cublas_plan& plan = *backend.plans().get(n, [&] {
    auto made = std::make_unique<cublas_plan>();
    describe_product(n, *made);
    choose_algorithm(backend, n, *made);
    return made;
  });
  constexpr std::uintptr_t aligned = cuda::workspace_alignment;
  workspace = reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(workspace) + aligned - 1) / aligned * aligned);
  const float one = 1;
  check_product(cublasLtMatmul(backend.products(), plan.multiply.handle, &one, p.a, plan.a.handle, p.b, plan.b.handle, &p.beta,
                               p.start, plan.to.handle, p.to, plan.to.handle, &plan.algorithm, workspace,
                               cuda::usable_workspace, backend.stream()),
                n);
}

}  // namespace detail

// workspace: cuda::product_workspace bytes
inline void cublas_multiply(const cuda& backend, const cublas_product& p, void* workspace) {
  constexpr dim_t most = 32768;  // a grid has room for 65,535 matrices
  for (dim_t done = 0; done < p.sizes.batch; done += most) {
    cublas_product some = p;
    some.sizes.batch = std::min(most, p.sizes.batch - done);
    some.a += done * p.sizes.a.step;
    some.b += done * p.sizes.b.step;
    some.start += done * p.sizes.to.step;
    some.to += done * p.sizes.to.step;
    detail::multiply_at_once(backend, some, workspace);
  }
}

}  // namespace avss::cuda_kernel
