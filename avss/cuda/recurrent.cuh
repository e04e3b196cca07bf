// Recurrences on the device.
#pragma once

#include <avss/cuda/lstm.cuh>
#include <avss/cuda/sru.cuh>
