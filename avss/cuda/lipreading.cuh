// Every operation that the lip-reading encoder runs, on the device.
#pragma once

#include <avss/cuda/copy.cuh>
#include <avss/cuda/image.cuh>
#include <avss/cuda/image_conv.cuh>
#include <avss/cuda/image_norm.cuh>
#include <avss/cuda/map_norm.cuh>
