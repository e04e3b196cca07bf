// What the benchmarks of a device measure, and what they tell of each case.
#pragma once

#include <avss/core/shape.hpp>
#include <avss/cuda/precision.hpp>
#include <cstddef>
#include <functional>
#include <string>

namespace avss::bench {

struct request {
  std::string filter;                                        // cases whose names have it; empty: all
  double seconds = 2;                                        // for each time, at least
  bool tiny = false;                                         // little sound and small products, to try the program
  product_precision precision = product_precision::float32;  // of our networks
};

struct timing {
  double median = 0, least = 0;  // milliseconds
  int runs = 0;
};

struct case_result {
  std::string name;     // infer/rtfsnet_4/2s/1: what, which network, sound, items at once
  std::string problem;  // why it was not measured, or empty
  product_precision precision = product_precision::float32;
  timing host;              // from host memory to host memory; a step with clipping and AdamW
  timing device;            // between arrays on the device; inference alone
  std::size_t planned = 0;  // bytes of working memory, known beforehand
  std::size_t taken = 0;    // bytes of the device's memory that are gone
  double gflop = 0;         // products, one multiplication with its addition as two; training as three forward passes
  double bytes = 0;         // that cannot but be moved, see floor_bytes()
};

using report = std::function<void(const case_result&)>;

void run_convtasnet(const request& r, const report& tell);
void run_rtfsnet(const request& r, const report& tell);

// MACs of a forward pass of one item; one face.
double convtasnet_macs(dim_t length);
double rtfsnet_macs(dim_t length, int passes);

// Products of three ways: float32 alone, through TF32, and bfloat16 with float32 sums; TFLOP/s. Copies: bytes read and written,
// GB/s.
struct floors {
  double float32 = 0, tf32 = 0, bfloat16 = 0, bandwidth = 0;
};
floors measured_floors(bool tiny);

}  // namespace avss::bench
