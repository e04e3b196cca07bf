// Text of any origin as UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace avss {

// The text with '?' for every byte that belongs to no character (RFC 3629): a path may hold any bytes, and one that is not
// UTF-8 makes a whole protocol buffer unreadable.
inline std::string as_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[k])); };
    const std::uint32_t lead = byte(i);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    bool whole = size > 0 && i + size <= text.size();
    std::uint32_t code = size > 1 ? lead & (0x7fu >> size) : lead;
    for (std::size_t k = 1; whole && k < size; ++k) {
      whole = (byte(i + k) & 0xc0) == 0x80;
      code = code << 6 | (byte(i + k) & 0x3f);
    }
    if (size == 3) whole = whole && code >= 0x800 && (code < 0xd800 || code > 0xdfff);
    if (size == 4) whole = whole && code >= 0x10000 && code <= 0x10ffff;
    if (whole)
      out += text.substr(i, size);
    else
      out += '?';
    i += whole ? size : 1;
  }
  return out;
}

}  // namespace avss
