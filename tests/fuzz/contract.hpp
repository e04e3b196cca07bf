// What every parser of files from elsewhere promises: any bytes give a value, or avss::error with one clear line.
#pragma once

#include <avss/core/error.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace avss::testing {

// What messages call the bytes.
inline constexpr const char* fuzzed_name = "fuzzed";

// Runs parse(text). What is no avss::error passes through, and ends a fuzzer's run; so does a message that is not one line
// which names the file. 0 for what was read, -1 for what was refused, as libFuzzer wants it.
template <class Parse>
int read_or_refuse(const std::uint8_t* data, std::size_t size, Parse&& parse) {
  try {
    parse(std::string_view(reinterpret_cast<const char*>(data), size));
    return 0;
  } catch (const error& e) {
    const std::string_view line = e.what();
    if (line.find(fuzzed_name) == line.npos || line.find_first_of("\n\r") != line.npos || line.size() > 2000) {
      std::fprintf(stderr, "a message that is not one line which names the file: %s\n", e.what());
      std::abort();
    }
    return -1;
  }
}

// Aborts where what was written and read again is not what it was.
inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace avss::testing
