// Matrix products by oneDNN. The one place that knows its interface; dnnl_sgemm is the same in API 2 and API 3.
#pragma once

#include <oneapi/dnnl/dnnl.h>

#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace avss {

enum class transpose : char { no = 'N', yes = 'T' };

// C = op(A) op(B) + beta C, row-major; op(A) is [m, k], op(B) [k, n]; lda, ldb, ldc are the row lengths in memory.
inline void gemm(transpose ta, transpose tb, dim_t m, dim_t n, dim_t k, const float* a, dim_t lda, const float* b, dim_t ldb,
                 float beta, float* c, dim_t ldc) {
  const dnnl_status_t status =
      dnnl_sgemm(static_cast<char>(ta), static_cast<char>(tb), m, n, k, 1.f, a, lda, b, ldb, beta, c, ldc);
  if (status != dnnl_success)
    fail("oneDNN could not multiply [", m, ", ", k, "] by [", k, ", ", n, "]: status ", static_cast<int>(status));
}

// While it lives, oneDNN uses one thread for what this thread asks of it: the threads are ours to hand out.
class serial_gemm {
 public:
#if defined(_OPENMP)
  serial_gemm() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~serial_gemm() { omp_set_num_threads(before_); }
#else
  serial_gemm() = default;
#endif
  serial_gemm(const serial_gemm&) = delete;
  serial_gemm& operator=(const serial_gemm&) = delete;

 private:
  int before_ = 1;
};

}  // namespace avss
