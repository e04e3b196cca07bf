// Runs a fuzz target without a fuzzer: over every file of its corpus, over every cut of it, and over damaged ones. The damage
// comes from a fixed seed, so that a failure repeats. Arguments: how many damaged files, then the corpus.
#include <gtest/gtest.h>
#include <unistd.h>

#include <avss/io/read_file.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "tests/fuzz/allocations.hpp"
#include "tests/fuzz/mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace avss::testing {
namespace {

constexpr std::size_t most_bytes = std::size_t{80} << 20;  // at once: a length in the file must not be believed
constexpr unsigned most_seconds = 20;                      // an input; the slowest take milliseconds

int runs = 0;
std::vector<std::string> corpus;
std::string current;  // for the messages of failures that end the process

// Bytes as a string literal of printf would have them, to be made into a file of the corpus.
std::string shown(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    char code[8];
    std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(c));
    text += code;
  }
  return text;
}

[[noreturn]] void told(const char* what) {
  std::fprintf(stderr, "%s on these %zu bytes: printf '%s'\n", what, current.size(), shown(current).c_str());
  std::_Exit(1);
}

bool read(const std::string& bytes) {
  current = bytes;
  // A copy of exactly this size: the address sanitizer then sees what reads past the end.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  alarm(most_seconds);
  try {
    const int status = LLVMFuzzerTestOneInput(exact.data(), exact.size());
    alarm(0);
    return status == 0;
  } catch (const std::exception& e) {
    told((std::string("an exception that is no avss::error, ") + e.what() + ",").c_str());
  }
}

TEST(fuzz, corpus_is_read_and_refused) {
  int read_whole = 0;
  for (const std::string& file : corpus) read_whole += read(file);
  EXPECT_GT(read_whole, 0) << "no file of the corpus can be read: nothing behind the first check is tried";
}

TEST(fuzz, cuts) {
  for (const std::string& file : corpus)
    for (std::size_t n = 0; n < file.size(); n += n < 600 ? 1 : 7 + file.size() / 1000) read(file.substr(0, n));
}

TEST(fuzz, damage) {
  forget_allocations();
  mutator m(1);
  int refused = 0;
  for (int i = 0; i < runs; ++i) {
    const std::string& file = corpus[static_cast<std::size_t>(i) % corpus.size()];
    const std::string& other = corpus[m.below(corpus.size())];
    refused += !read(m.damage(file, 0, file.size(), false, other));
    ASSERT_LT(largest_allocation(), most_bytes) << "on these bytes: printf '" << shown(current) << "'";
  }
  EXPECT_GT(largest_allocation(), 0u) << "allocations are not counted";
  EXPECT_GT(refused, runs / 50) << "damage is hardly ever noticed";
  std::printf("%d of %d refused, largest allocation %zu bytes\n", refused, runs, largest_allocation());
}

}  // namespace
}  // namespace avss::testing

int main(int argc, char** argv) {
  using namespace avss::testing;
  ::testing::InitGoogleTest(&argc, argv);
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s RUNS FILE...\n", argv[0]);
    return 2;
  }
  runs = std::atoi(argv[1]);
  for (int i = 2; i < argc; ++i) {
    const std::vector<std::byte> bytes = avss::read_file(argv[i]);
    corpus.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::signal(SIGALRM, [](int) { told("no end after 20 s"); });
  std::signal(SIGABRT, [](int) { told("aborted"); });
  return RUN_ALL_TESTS();
}
