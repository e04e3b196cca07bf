// A mark for small functions that kernels call too.
#pragma once

#if defined(__CUDACC__)
#define AVSS_HOST_DEVICE __host__ __device__
#else
#define AVSS_HOST_DEVICE
#endif
