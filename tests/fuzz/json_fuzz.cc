#include <avss/io/strict_json.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/contract.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace avss;
  using namespace avss::testing;
  return read_or_refuse(data, size, [](std::string_view text) {
    const json_value v = strict_json::parse(text, fuzzed_name);
    if (v.type == json_value::kind::text)
      must(strict_json::parse(json_quoted(v.text), fuzzed_name).text == v.text, "a string that is written comes back");
  });
}
