// What pages that stand alone need: escaped text, and files within the page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace avss {

namespace detail {

// The length of the character of UTF-8 that the text begins with; 0 where it begins with none.
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t n = lead < 0x80                   ? 1
                        : lead >= 0xc2 && lead < 0xe0 ? 2
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4
                                                      : 0;
  if (n > text.size()) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  // Longer than need be, surrogates, beyond the last character.
  const bool wrong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf0 && byte(1) < 0x90) ||
                     (lead == 0xf4 && byte(1) > 0x8f);
  return wrong ? 0 : n;
}

}  // namespace detail

// Text that may stand between tags and, in double quotes, in attributes. Control characters become spaces, and bytes that are
// no UTF-8 U+FFFD.
inline std::string escape_html(std::string_view text) {
  std::string out;
  for (std::size_t n = 0; !text.empty(); text.remove_prefix(n)) {
    n = detail::utf8_length(text);
    if (n != 1) {
      out += n == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, n);
      n += n == 0;
      continue;
    }
    const char c = text.front();
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
