// One line says what is wrong, where, what was expected and how to mend it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

namespace avss {

// What every function of this library throws for bad input. what() is one line, without a final newline; tools print
// it after their own name and exit with a status other than zero.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Memory that is not there; a smaller batch or a shorter window may fit.
class out_of_memory : public error {
 public:
  using error::error;
};

namespace detail {

inline void append(std::string& text, std::string_view part) { text += part; }
inline void append(std::string& text, char c) { text += c; }
template <std::integral I>
void append(std::string& text, I number) {
  text += std::to_string(number);
}
inline void append(std::string& text, double number) {
  char digits[32];
  text.append(digits, static_cast<std::size_t>(std::snprintf(digits, sizeof digits, "%g", number)));
}

}  // namespace detail

// Texts and numbers one after another: joined("at ", 3, " dB"). Numbers look as streams write them; a stream itself would
// cost every compilation a tenth of a second.
template <class... Parts>
std::string joined(const Parts&... parts) {
  std::string text;
  (detail::append(text, parts), ...);
  return text;
}

// The text with control characters as \n, \t, \r or \xNN: a file's name may hold a newline, a message must not.
inline std::string one_line(std::string_view text) {
  std::string line;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      line += c;
      continue;
    }
    constexpr std::string_view known = "\n\t\r", letters = "ntr", digits = "0123456789abcdef";
    line += '\\';
    if (const std::size_t k = known.find(c); k != std::string_view::npos) {
      line += letters[k];
    } else {
      line += 'x';
      line += digits[byte >> 4];
      line += digits[byte & 15];
    }
  }
  return line;
}

// Throws error with the parts written one after another: fail(path, ": not a wav file: ", reason).
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw error(one_line(joined(parts...)));
}

}  // namespace avss
