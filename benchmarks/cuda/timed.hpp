// Times of something that is done again and again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "benchmarks/cuda/cases.hpp"

namespace avss::bench {

// once() ends when its work has ended. Two runs make what is made at first (memory, algorithms of products) and are not
// counted; then so many seconds, five runs at least.
template <class F>
timing timed(double seconds, F&& once) {
  using clock = std::chrono::steady_clock;
  for (int i = 0; i < 2; ++i) once();
  std::vector<double> ms;
  const auto began = clock::now();
  while (ms.size() < 5 || std::chrono::duration<double>(clock::now() - began).count() < seconds) {
    const auto start = clock::now();
    once();
    ms.push_back(std::chrono::duration<double, std::milli>(clock::now() - start).count());
  }
  std::sort(ms.begin(), ms.end());
  const std::size_t n = ms.size();
  return {(ms[(n - 1) / 2] + ms[n / 2]) / 2, ms[0], static_cast<int>(n)};
}

}  // namespace avss::bench
