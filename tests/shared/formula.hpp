// Weights and signals that the shared golden files do not hold, since a formula gives them.
#pragma once

#include <zlib.h>

#include <avss/core/shape.hpp>
#include <avss/io/tensor.hpp>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace avss::test {

// `count` values from -1 to 1, a function of the key.
inline std::vector<double> formula_noise(std::string_view key, dim_t count) {
  const std::uint32_t salt =
      static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(key.data()), static_cast<uInt>(key.size())));
  std::vector<double> v(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < v.size(); ++i) {
    std::uint32_t h = static_cast<std::uint32_t>(i) * 2654435761u + salt;
    h ^= h >> 15, h *= 2246822519u;
    h ^= h >> 13, h *= 3266489917u;
    h ^= h >> 16;
    v[i] = (h >> 21) / 1024.0 - 1;
  }
  return v;
}

// A signal of n samples.
inline std::vector<double> formula_wave(std::string_view key, dim_t n) {
  std::vector<double> x = formula_noise(key, n);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = static_cast<double>(i);
    x[i] = 0.25 * std::sin(.05 * t) * std::sin(.0007 * t) + 0.2 * std::sin(.31 * t + 2e-6 * t * t) + x[i] / 16;
  }
  return x;
}

// A weight of the reference project's Conv-TasNet, by its name there.
inline tensor formula_convtasnet_weight(const std::string& name, const std::vector<dim_t>& shape) {
  dim_t size = 1, inner = 1;
  for (std::size_t a = 0; a < shape.size(); ++a) size *= shape[a], inner *= a > 0 ? shape[a] : 1;
  const bool bias = name.ends_with(".bias");
  bool norm = false;
  for (const char* part : {"layer_norm.", "common_part.2.", "common_part.5."})
    norm = norm || name.find(part) != std::string::npos;
  double middle = 0, scale = 0;
  if (norm)
    middle = bias ? 0 : 1, scale = 0.25;
  else if (bias)
    scale = 0.125;
  else if (shape == std::vector<dim_t>{1})
    middle = 0.25, scale = 0.125;  // PReLU
  else if (name == "decoder.weight")
    scale = 1.0 / 32;
  else
    scale = std::exp2(std::nearbyint(0.5 * std::log2(3.0 / static_cast<double>(inner))));
  std::vector<double> v = formula_noise(name, size);
  for (double& x : v) x = middle + scale * x;
  return tensor::of<double>(shape, std::span<const double>(v));
}

}  // namespace avss::test
