// Test data from a formula: the same on every machine and for every element type.
#pragma once

#include <avss/core/shape.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

namespace avss::test {

// n values of both signs, 0.1 to 1 in magnitude (away from the kinks of ReLU and PReLU), exact in float.
inline std::vector<double> draw(std::string_view name, dim_t n, std::uint64_t seed = 0) {
  std::uint64_t state = 14695981039346656037u + seed * 0x9e3779b97f4a7c15u;  // FNV-1a of the name, then SplitMix64
  for (char c : name) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::vector<double> v(static_cast<std::size_t>(n));
  for (double& x : v) {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    const double u = static_cast<double>(z >> 45) / (1 << 19);  // 19 bits
    x = (z & 1 ? 1 : -1) * (0.1 + 0.9 * u);
    x = static_cast<double>(static_cast<float>(x));
  }
  return v;
}

}  // namespace avss::test
