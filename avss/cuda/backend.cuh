// The CUDA backend: kernels of our own, cuBLASLt for matrix products; with it where a network's arrays lie.
#pragma once

#include <avss/cuda/launch.cuh>
#include <avss/cuda/placement.cuh>
