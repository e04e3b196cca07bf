// Thousands of damaged files of every format: each is read or refused with avss::error, without large allocations.
// The mutations come from a fixed seed, so a failure repeats.
#include <gtest/gtest.h>

#include <atomic>
#include <avss/io/npz.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/safetensors.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/zip_reader.hpp>
#include <cstdlib>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "tests/io/golden.hpp"

namespace {

std::atomic<std::size_t> largest_allocation{0};

void* counted(std::size_t n) {
  std::size_t before = largest_allocation;
  while (n > before && !largest_allocation.compare_exchange_weak(before, n)) {
  }
  if (void* p = std::malloc(n ? n : 1)) return p;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t n) { return counted(n); }
void* operator new[](std::size_t n) { return counted(n); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace avss {
namespace {

using testing::golden;
using testing::read_text;

class mutator {
 public:
  explicit mutator(unsigned seed) : random_(seed) {}

  // One to four changes in [first, last); the length is kept where `fixed`.
  std::string damage(std::string text, std::size_t first, std::size_t last, bool fixed) {
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      if (last <= first) return text;
      const std::size_t at = first + below(last - first);
      switch (below(fixed ? 4 : 7)) {
        case 0: text[at] = static_cast<char>(below(256)); break;
        case 1: text[at] = static_cast<char>(text[at] ^ (1 << below(8))); break;
        case 2: {  // a whole field of extreme bytes
          constexpr char extremes[] = {'\0', '\xff', '\x7f', '\x80'};
          const std::size_t width = std::min<std::size_t>(std::size_t{1} << below(4), last - at);
          text.replace(at, width, width, extremes[below(4)]);
          break;
        }
        case 3: {  // a piece of the file in another place
          const std::size_t from = first + below(last - first), width = std::min({below(32), last - at, last - from});
          text.replace(at, width, text.substr(from, width));
          break;
        }
        case 4: {
          const std::size_t width = std::min<std::size_t>(1 + below(64), last - at);
          text.erase(at, width);
          last -= width;
          break;
        }
        case 5: {
          const std::string piece = text.substr(first + below(last - first), 1 + below(64));
          text.insert(at, piece);
          last += piece.size();
          break;
        }
        default: text.resize(at); last = at;
      }
    }
    return text;
  }
  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  std::mt19937 random_;
};

template <class Parse>
void fuzz(const std::string& good, int runs, const Parse& parse) {
  int read = 0, refused = 0;
  mutator m(static_cast<unsigned>(good.size()));
  parse(good);
  largest_allocation = 0;
  for (int i = 0; i < runs; ++i) {
    const std::string bad = m.damage(good, 0, good.size(), false);
    try {
      parse(bad);
      ++read;
    } catch (const error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, runs / 10);
  EXPECT_LT(largest_allocation, std::size_t{80} << 20);
  std::printf("%d read, %d refused, largest allocation %zu bytes\n", read, refused, largest_allocation.load());
}

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

TEST(weights_fuzz, pytorch_legacy) { fuzz(read_text(golden("checkpoint_legacy.pth")), runs, parse_pytorch); }
TEST(weights_fuzz, pytorch_zip) { fuzz(read_text(golden("state_bare.pth")), runs, parse_pytorch); }
TEST(weights_fuzz, npz_stored) { fuzz(read_text(golden("stored.npz")), runs, parse_arrays); }
TEST(weights_fuzz, npz_deflated) { fuzz(read_text(golden("deflated.npz")), runs, parse_arrays); }
TEST(weights_fuzz, zip_streamed) {
  fuzz(read_text(golden("streamed.zip")), runs, [](const std::string& text) {
    const zip_reader zip(as_bytes_of(text), "fuzz");
    for (const zip_entry& e : zip.entries()) zip.read(e);
  });
}
TEST(weights_fuzz, safetensors) {
  fuzz(read_text(golden("small.safetensors")), runs,
       [](const std::string& text) { parse_safetensors(as_bytes_of(text), "fuzz"); });
}
TEST(weights_fuzz, npy) {
  fuzz(read_text(golden("version2.npy")), runs, [](const std::string& text) { parse_npy(as_bytes_of(text), "fuzz"); });
}

// The same with the CRC put right again, so that the damage gets past the archive.
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
  largest_allocation = 0;
  fuzz_inside("checkpoint.pth", "/data.pkl");
  fuzz_inside("checkpoint_protocol4.pth", "/data.pkl");
  EXPECT_LT(largest_allocation, std::size_t{80} << 20);
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
