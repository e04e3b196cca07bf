// Names that come out of files, made fit for a one-line message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace avss {

// The text in single quotes, with control bytes as '?', cut after `longest` bytes: a file's names may hold anything.
inline std::string printable(std::string_view text, std::size_t longest = 96) {
  std::string quoted = "'";
  for (char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    quoted += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  if (text.size() > longest) quoted += "...";
  return quoted + "'";
}

}  // namespace avss
