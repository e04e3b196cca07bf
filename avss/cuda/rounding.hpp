// What a device makes of the factors of a product in reduced precision, for the emulator.
#pragma once

#include <avss/cuda/precision.hpp>
#include <bit>
#include <cstdint>

namespace avss::emulated {

// The nearest value with so many bits after the leading one, of two as near the even one. What lies beyond the largest becomes
// infinite; a NaN or an infinity stays one.
template <int Bits>
constexpr float nearest(float v) {
  static_assert(0 < Bits && Bits < 23);
  constexpr int cut = 23 - Bits;
  constexpr std::uint32_t exponent = 0x7F800000u;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(v);
  if ((bits & exponent) == exponent) return v;
  const std::uint32_t up = (1u << (cut - 1)) - 1 + (bits >> cut & 1u);
  return std::bit_cast<float>((bits + up) >> cut << cut);
}

template <product_precision P>
constexpr float factor(float v) {
  if constexpr (P == product_precision::bfloat16)
    return nearest<7>(v);
  else if constexpr (P == product_precision::tensor_float32)
    return nearest<10>(v);
  else
    return v;
}

}  // namespace avss::emulated
