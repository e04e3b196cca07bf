// Results as lines of JSON.
#pragma once

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>

#include "benchmarks/cuda/cases.hpp"

namespace avss::bench {

// Milliseconds that a case takes at least on a device that does no more than that, in its precision.
inline double floor_of(const case_result& c, const floors& f) {
  const double peak = c.precision == product_precision::float32          ? f.float32
                      : c.precision == product_precision::tensor_float32 ? f.tf32
                                                                         : f.bfloat16;
  return std::max(peak > 0 ? c.gflop / peak : 0, f.bandwidth > 0 ? 1e-6 * c.bytes / f.bandwidth : 0);
}

// In quotation marks.
inline std::string quoted(const std::string& text) {
  std::string to = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') to += '\\';
    to += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return to + '"';
}

inline std::string json_line(const char* device, const floors& f) {
  std::ostringstream to;
  to << "{\"device\": " << quoted(device) << ", \"float32_tflops\": " << f.float32 << ", \"tf32_tflops\": " << f.tf32
     << ", \"bfloat16_tflops\": " << f.bfloat16 << ", \"copy_gb_s\": " << f.bandwidth << "}";
  return to.str();
}

inline std::string json_line(const case_result& c, const floors& f) {
  std::ostringstream to;
  to << "{\"case\": " << quoted(c.name)
     << ", \"by\": \"avss\", \"precision\": " << quoted(std::string(precision_word(c.precision)));
  if (!c.problem.empty()) {
    to << ", \"problem\": " << quoted(c.problem) << "}";
    return to.str();
  }
  to << ", \"ms\": " << c.host.median << ", \"least_ms\": " << c.host.least << ", \"runs\": " << c.host.runs;
  if (c.device.runs > 0) to << ", \"device_ms\": " << c.device.median;
  to << ", \"planned_bytes\": " << c.planned << ", \"device_bytes\": " << c.taken << ", \"gflop\": " << c.gflop
     << ", \"moved_bytes\": " << c.bytes << ", \"floor_ms\": " << floor_of(c, f) << "}";
  return to.str();
}

}  // namespace avss::bench
