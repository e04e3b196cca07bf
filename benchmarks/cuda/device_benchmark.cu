// The networks on a device: times, memory, and the floors of the device.
//   device_benchmark [--filter=TEXT] [--seconds=2] [--precision=float32|tf32|bf16] [--tiny] [--json=FILE]
// Prints a table; FILE gets a line of JSON for the device and one for each case, which compare.py reads. Status 77: there is no
// device.
#include <avss/core/error.hpp>
#include <avss/cuda/device.cuh>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <ostream>
#include <string>
#include <string_view>

#include "benchmarks/cuda/result_line.hpp"

namespace {

using namespace avss;
using namespace avss::bench;

constexpr int skipped = 77;

bool take(std::string_view argument, std::string_view name, std::string& value) {
  if (!argument.starts_with(name)) return false;
  value = argument.substr(name.size());
  return true;
}

double seconds_of(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end || !(value >= 0)) fail("--seconds=", text, ": is no number of seconds, such as 2");
  return value;
}

int run(int argc, char** argv) {
  request r;
  std::string json, seconds, precision;
  for (int i = 1; i < argc; ++i) {
    const std::string_view a = argv[i];
    if (a == "--tiny")
      r.tiny = true;
    else if (take(a, "--seconds=", seconds))
      r.seconds = seconds_of(seconds);
    else if (take(a, "--precision=", precision))
      r.precision = precision_of(precision, "--precision");
    else if (!take(a, "--filter=", r.filter) && !take(a, "--json=", json))
      fail("unknown argument ", a, "; there are --filter=TEXT, --seconds=2, --precision=float32, --tiny and --json=FILE");
  }
  if (const std::string problem = cuda_problem(); !problem.empty()) {
    std::cout << "skipped: " << problem << '\n';
    return skipped;
  }
  std::ofstream lines;
  if (!json.empty()) {
    lines.open(json, std::ios::app);  // of a case that is measured again the last line counts
    if (!lines) fail(json, ": cannot be written");
  }
  cudaDeviceProp p{};
  cuda_check(cudaGetDeviceProperties(&p, 0), "the device's properties");
  const floors f = measured_floors(r.tiny);
  lines << json_line(p.name, f) << std::endl;
  std::printf("%s: products %.1f TFLOP/s in float32, %.1f through TF32, %.1f in bfloat16; copies %.0f GB/s\n", p.name,
              f.float32, f.tf32, f.bfloat16, f.bandwidth);
  std::printf("%-26s %12s %10s %10s %10s %10s %10s %10s\n", "case", "host, ms", "least", "device, ms", "floor, ms", "GFLOP",
              "planned", "taken, MB");
  const report tell = [&](const case_result& c) {
    lines << json_line(c, f) << std::endl;
    if (c.problem.empty())
      std::printf("%-26s %12.3f %10.3f %10.3f %10.3f %10.1f %10.0f %10.0f\n", c.name.c_str(), c.host.median, c.host.least,
                  c.device.median, floor_of(c, f), c.gflop, static_cast<double>(c.planned) / 1e6,
                  static_cast<double>(c.taken) / 1e6);
    else
      std::printf("%-26s not measured: %s\n", c.name.c_str(), c.problem.c_str());
    std::fflush(stdout);
  };
  run_rtfsnet(r, tell);
  run_convtasnet(r, tell);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "device_benchmark: " << e.what() << '\n';
    return 1;
  }
}
