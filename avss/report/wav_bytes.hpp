// A sound as the bytes of a wav file that every browser plays: 16 bits, one channel.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace avss {

// Samples beyond full scale are clipped, NaN becomes silence.
inline std::string wav_bytes(std::span<const float> samples, int rate) {
  std::string out;
  const auto put = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 255);
  };
  const auto length = static_cast<std::uint32_t>(2 * samples.size()), hz = static_cast<std::uint32_t>(rate);
  out += "RIFF";
  put(36 + length, 4);
  out += "WAVEfmt ";
  put(16, 4), put(1, 2), put(1, 2), put(hz, 4), put(2 * hz, 4), put(2, 2), put(16, 2);
  out += "data";
  put(length, 4);
  for (const float v : samples) {
    const double full = std::isnan(v) ? 0. : std::clamp(std::nearbyint(static_cast<double>(v) * 32768), -32768., 32767.);
    put(static_cast<std::uint32_t>(static_cast<std::int32_t>(full)), 2);
  }
  return out;
}

}  // namespace avss
