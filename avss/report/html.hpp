// What pages that stand alone need: escaped text, and files within the page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace avss {

// Text that may stand between tags and, in double quotes, in attributes. Control characters become spaces.
inline std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return out;
}

// RFC 4648, with padding.
inline std::string base64(std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    const std::size_t used = bytes.size() - i < 3 ? bytes.size() - i + 1 : 4;
    for (std::size_t k = 0; k < 4; ++k) out += k < used ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

// A file within the page: data_uri("image/png", bytes).
inline std::string data_uri(std::string_view type, std::string_view bytes) {
  return "data:" + std::string(type) + ";base64," + base64(bytes);
}

// A piece of a page with {0}, {1}, ... replaced by the parts; what stands in a part stays as it is.
template <class... Parts>
std::string fill_in(std::string_view text, const Parts&... parts) {
  const std::array<std::string_view, sizeof...(Parts)> part{parts...};
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t n =
        i + 2 < text.size() && text[i] == '{' && text[i + 2] == '}' ? static_cast<std::size_t>(text[i + 1] - '0') : part.size();
    if (n < part.size())
      out += part[n], i += 2;
    else
      out += text[i];
  }
  return out;
}

}  // namespace avss
