// Damage inside the entries of archives, and every cut: each file is read or refused with avss::error, without large
// allocations. Damage anywhere: tests/fuzz.
#include <gtest/gtest.h>

#include <avss/io/npz.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/safetensors.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/zip_reader.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/allocations.hpp"
#include "tests/fuzz/mutator.hpp"
#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::golden;
using testing::mutator;
using testing::read_text;

std::shared_ptr<const std::vector<std::byte>> shared_bytes(const std::string& text) {
  const byte_span b = as_bytes_of(text);
  return std::make_shared<const std::vector<std::byte>>(b.begin(), b.end());
}

void parse_pytorch(const std::string& text) {
  const pytorch_file file(shared_bytes(text), "fuzz");
  weights_of(file);
}
void parse_arrays(const std::string& text) { parse_npz(as_bytes_of(text), "fuzz"); }

constexpr int runs = 3000;

// Damage with the CRC put right again, so that it gets past the archive.
void fuzz_inside(const char* name, std::string_view suffix) {
  const std::string good = read_text(golden(name));
  const zip_reader zip(as_bytes_of(good), name);
  std::size_t header = good.find("PK\x01\x02");
  for (const zip_entry& e : zip.entries()) {
    if (e.name.ends_with(suffix)) {
      mutator m(7);
      for (int i = 0; i < runs; ++i) {
        std::string bad = m.damage(good, e.data, e.data + e.compressed, true);
        const auto crc = static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bad.data() + e.data), e.size));
        std::memcpy(bad.data() + header + 16, &crc, 4);
        try {
          suffix == ".npy" ? parse_arrays(bad) : parse_pytorch(bad);
        } catch (const error& e) {
          ASSERT_EQ(std::string_view(e.what()).find("CRC"), std::string::npos);
        }
      }
      return;
    }
    header = good.find("PK\x01\x02", header + 46);
  }
  FAIL() << name;
}
TEST(weights_fuzz, pickle_inside_a_zip) {
  testing::forget_allocations();
  fuzz_inside("checkpoint.pth", "/data.pkl");
  fuzz_inside("checkpoint_protocol4.pth", "/data.pkl");
  EXPECT_LT(testing::largest_allocation(), std::size_t{80} << 20);
}
TEST(weights_fuzz, npy_inside_a_zip) { fuzz_inside("stored.npz", ".npy"); }

// Every possible cut.
TEST(weights_fuzz, truncated_everywhere) {
  const auto cuts = [](const char* name, const auto& parse) {
    const std::string good = read_text(golden(name));
    for (std::size_t n = 0; n < good.size(); n += n < 600 ? 1 : 7)
      EXPECT_THROW(parse(good.substr(0, n)), error) << name << " " << n;
  };
  cuts("checkpoint_legacy.pth", parse_pytorch);
  cuts("checkpoint.pth", parse_pytorch);
  cuts("deflated.npz", parse_arrays);
  cuts("small.safetensors", [](const std::string& text) { parse_safetensors(as_bytes_of(text), "fuzz"); });
}

}  // namespace
}  // namespace avss
