#include <avss/io/csv.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/contract.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace avss;
  using namespace avss::testing;
  return read_or_refuse(data, size, [](std::string_view text) {
    const csv_table table = parse_csv(text, fuzzed_name);
    for (const auto& row : table.rows) must(row.size() == table.header.size(), "rows are as long as the header");
    std::string again;
    for (std::size_t c = 0; c < table.header.size(); ++c) again += (c ? "," : "") + csv_quoted(table.header[c]);
    again += "\n";
    if (again.find_first_not_of("\n") != again.npos)
      must(parse_csv(again, fuzzed_name).header == table.header, "a header that is written comes back");
  });
}
