#include <avss/io/bytes.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/state_dict.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/fuzz/contract.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace avss;
  using namespace avss::testing;
  return read_or_refuse(data, size, [](std::string_view text) {
    const byte_span bytes = as_bytes_of(text);
    weights_of(pytorch_file(std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end()), fuzzed_name));
  });
}
