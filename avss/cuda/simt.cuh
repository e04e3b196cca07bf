// The few words in which kernels are written: nvcc makes them a device's, g++ those of the emulator.
//
// A kernel is a struct of its arguments:
//   struct scale {
//     static constexpr int threads = 256;         // of a block
//     static constexpr bool cooperates = false;   // whether its threads wait for each other or share memory
//     dim_t n;
//     float a, *x;
//     AVSS_DEVICE void operator()(const simt::thread& t) const {
//       const dim_t i = t.block() * threads + t.index();
//       if (i < n) x[i] *= a;
//     }
//   };
//   launch(backend, "scale", scale{n, a, x}, blocks_for(n, scale::threads));
// It may use what is constexpr, what is marked AVSS_DEVICE, and <cmath>. What it points to is the backend's memory, which the
// host must not touch.
#pragma once

#include <avss/core/shape.hpp>

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#define AVSS_DEVICE __device__
#define AVSS_UNROLL _Pragma("unroll")  // before a loop over an array that is to stay in registers
#else
#include <avss/cuda/emulator.hpp>
#define AVSS_DEVICE
#define AVSS_UNROLL
#endif

namespace avss::simt {

#if defined(__CUDACC__)
class thread {
 public:
  __device__ int index() const { return static_cast<int>(threadIdx.x); }
  __device__ int count() const { return static_cast<int>(blockDim.x); }
  __device__ dim_t block() const { return blockIdx.x; }
  __device__ dim_t blocks() const { return gridDim.x; }
  // The block's shared memory, as many bytes as the launch said.
  template <class T>
  __device__ T* shared() const {
    extern __shared__ double avss_shared[];
    return reinterpret_cast<T*>(avss_shared);
  }
  __device__ void sync() const { __syncthreads(); }
  // Whether this block is the last of n to come here with counter `i` of the launch's; all threads of a block must call it.
  // What the others wrote to memory before they came is then to be seen.
  __device__ bool last_of(unsigned* counters, dim_t i, dim_t n) const {
    __threadfence();  // what this block wrote comes before its count
    __syncthreads();
    int last = 0;
    if (threadIdx.x == 0) {
      last = atomicAdd(counters + i, 1u) == static_cast<unsigned>(n - 1);
      if (last) counters[i] = 0;  // as the next launch needs it
    }
    last = __syncthreads_or(last);
    if (last) __threadfence();
    return last;
  }
  // The sum over the warp, for each of its 32 threads, all of which must call it.
  __device__ double warp_sum(double v) const {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) v += __shfl_xor_sync(0xFFFFFFFFu, v, step);
    return v;
  }
  // The largest of the warp, likewise.
  __device__ double warp_max(double v) const {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) {
      const double other = __shfl_xor_sync(0xFFFFFFFFu, v, step);
      v = other > v ? other : v;
    }
    return v;
  }
};
#else
using emulated::thread;
#endif

// Shared memory that block_sum needs, in doubles.
template <class K, int N>
inline constexpr int sum_doubles = K::threads / 32 * N;

// Sums each of N values over the threads of the block; all of them get the sums, and all must call it.
template <int N>
AVSS_DEVICE inline void block_sum(const thread& t, double (&v)[N], double* shared) {
  const int warps = t.count() / 32, warp = t.index() / 32;
  for (int k = 0; k < N; ++k) v[k] = t.warp_sum(v[k]);
  if (t.index() % 32 == 0)
    for (int k = 0; k < N; ++k) shared[warp * N + k] = v[k];
  t.sync();
  for (int k = 0; k < N; ++k) {
    v[k] = 0;
    for (int w = 0; w < warps; ++w) v[k] += shared[w * N + k];
  }
  t.sync();  // `shared` may be used again
}

}  // namespace avss::simt
