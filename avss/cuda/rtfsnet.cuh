// Every operation that RTFS-Net runs, on the device.
#pragma once

#include <avss/cuda/act_norm.cuh>
#include <avss/cuda/attention.cuh>
#include <avss/cuda/conv2d.cuh>
#include <avss/cuda/copy.cuh>
#include <avss/cuda/dropout.cuh>
#include <avss/cuda/fusion.cuh>
#include <avss/cuda/map_norm.cuh>
#include <avss/cuda/pointwise.cuh>
#include <avss/cuda/recurrent.cuh>
#include <avss/cuda/resize.cuh>
#include <avss/cuda/sequence.cuh>
#include <avss/cuda/spectrum.cuh>
