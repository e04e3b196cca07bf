// CRC-32C (Castagnoli), the checksum of TensorBoard's record files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace avss {
namespace detail {

// The remainder that a byte leaves: polynomial 0x1EDC6F41, bits reflected.
inline constexpr std::array<std::uint32_t, 256> crc32c_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t r = byte;
    for (int bit = 0; bit < 8; ++bit) r = r >> 1 ^ (r & 1 ? 0x82F63B78u : 0u);
    table[byte] = r;
  }
  return table;
}();

}  // namespace detail

constexpr std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t r = ~0u;
  for (const char c : bytes) r = r >> 8 ^ detail::crc32c_table[(r ^ static_cast<unsigned char>(c)) & 255];
  return ~r;
}

// As records hold it, so that a checksum over bytes that hold checksums is one as well.
constexpr std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t r = crc32c(bytes);
  return (r >> 15 | r << 17) + 0xA282EAD8u;
}

}  // namespace avss
