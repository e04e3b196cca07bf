#include <avss/io/bytes.hpp>
#include <avss/io/safetensors.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/contract.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace avss;
  using namespace avss::testing;
  return read_or_refuse(data, size, [](std::string_view text) { parse_safetensors(as_bytes_of(text), fuzzed_name); });
}
