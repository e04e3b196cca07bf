#include <gtest/gtest.h>

#include <avss/io/atomic_file.hpp>
#include <avss/io/read_file.hpp>
#include <avss/io/zip_reader.hpp>
#include <avss/io/zip_writer.hpp>
#include <functional>
#include <string>
#include <vector>

#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::expect_error;
using testing::fresh_folder;
using testing::golden;
using testing::read_text;

std::string two_entries() {
  const std::string path = fresh_folder() + "a.zip";
  atomic_file file(path);
  zip_writer zip(file);
  zip.add("first/name", as_bytes_of("hello"), 64);
  zip.add("second", {as_bytes_of("ab"), as_bytes_of(""), as_bytes_of("cd")}, 64);
  zip.add("third", byte_span{});
  zip.finish();
  file.commit();
  return read_text(path);
}

// Overwrites `n` bytes of a copy at an offset from the start of the k-th place where `mark` stands.
std::string patched(std::string text, std::string_view mark, int k, std::size_t offset, std::uint64_t v, std::size_t n) {
  std::size_t at = text.find(mark);
  while (k-- > 0) at = text.find(mark, at + 1);
  std::memcpy(text.data() + at + offset, &v, n);
  return text;
}

constexpr std::string_view central = "PK\x01\x02", local = "PK\x03\x04", end = "PK\x05\x06";

TEST(zip, round_trip) {
  const std::string text = two_entries();
  const zip_reader zip(as_bytes_of(text), "a.zip");
  ASSERT_EQ(zip.entries().size(), 3u);
  EXPECT_EQ(as_text(zip.view(*zip.find("first/name"))), "hello");
  EXPECT_EQ(as_text(zip.view(*zip.find("second"))), "abcd");
  EXPECT_EQ(zip.read(*zip.find("third")).size(), 0u);
  EXPECT_EQ(zip.find("first/name")->data % 64, 0u);
  EXPECT_EQ(zip.find("second")->data % 64, 0u);
  EXPECT_EQ(zip.find("none"), nullptr);
  EXPECT_EQ(two_entries(), text);  // no dates, no names of machines
}

TEST(zip, reads_descriptors_comments_and_deflate) {
  const std::vector<std::byte> bytes = read_file(golden("streamed.zip"));
  const zip_reader zip(bytes, "streamed.zip");
  std::string expected;
  for (int i = 0; i < 20; ++i) expected += "only a name ";
  EXPECT_EQ(as_text(zip.read(*zip.find("../../escape.txt"))), expected);
  EXPECT_EQ(as_text(zip.read(*zip.find("plain.txt"))), "stored");
  expect_error([&] { zip.view(*zip.find("../../escape.txt")); }, "is compressed where stored bytes are needed");
}

// Zip64 fields as numpy and large archives have them, on an archive small enough to commit.
TEST(zip, reads_zip64_records) {
  std::string text = two_entries();
  const std::size_t directory = text.find(central), tail = text.find(end);
  std::string wide;  // the first entry's header with all ones and a zip64 field, then the rest as it was
  std::string first = text.substr(directory, 46);
  const std::string name = text.substr(directory + 46, 10);
  for (std::size_t at : {20, 24, 42}) std::memset(first.data() + at, 0xff, 4);
  first[30] = 4 + 24 + 5;
  wide = first + name;
  store_le<std::uint16_t>(wide, 0x7777);  // a field of somebody else's first
  store_le<std::uint16_t>(wide, 1);
  wide += "!";
  store_le<std::uint16_t>(wide, 1);
  store_le<std::uint16_t>(wide, 24);
  for (std::uint64_t v : {5, 5, 0}) store_le<std::uint64_t>(wide, v);
  const std::string rest = text.substr(directory + 56, tail - directory - 56);
  std::string record;
  store_le<std::uint32_t>(record, 0x06064b50);
  store_le<std::uint64_t>(record, 44);
  store_le<std::uint32_t>(record, 0x002d002d);
  store_le<std::uint64_t>(record, 0);
  for (std::uint64_t v :
       {std::uint64_t{3}, std::uint64_t{3}, std::uint64_t{wide.size() + rest.size()}, std::uint64_t{directory}})
    store_le(record, v);
  store_le<std::uint32_t>(record, 0x07064b50);
  store_le<std::uint32_t>(record, 0);
  store_le<std::uint64_t>(record, directory + wide.size() + rest.size());
  store_le<std::uint32_t>(record, 1);
  std::string last = text.substr(tail);
  std::memset(last.data() + 8, 0xff, 12);
  text = text.substr(0, directory) + wide + rest + record + last;
  const zip_reader zip(as_bytes_of(text), "a.zip");
  EXPECT_EQ(as_text(zip.view(*zip.find("first/name"))), "hello");
  EXPECT_EQ(as_text(zip.view(*zip.find("second"))), "abcd");
}

TEST(zip, refuses_what_is_damaged_or_hostile) {
  const std::string good = two_entries();
  const auto open = [](const std::string& text) { return zip_reader(as_bytes_of(text), "a.zip"); };
  const auto refuses = [&](const std::string& text, std::string_view why) { expect_error([&] { open(text); }, why); };
  refuses("", "no end record");
  refuses(good.substr(0, good.size() - 1), "no end record");
  refuses(patched(good, end, 0, 10, 4, 2), "declares 4 entries");
  refuses(patched(good, central, 2, 28, 0xff, 2), "truncated central directory");
  refuses(patched(good, end, 0, 10, 0xffff, 2), "declares 65535 entries");
  refuses(patched(good, end, 0, 12, 0xfffffff0u, 4), "the central directory at offset");
  refuses(patched(good, end, 0, 16, 0xfffffff0u, 4), "the central directory at offset");
  refuses(patched(good, end, 0, 4, 7, 2), "one volume of several");
  refuses(patched(good, central, 1, 0, 0, 4), "entry 1 of the directory has a wrong signature");
  refuses(patched(good, central, 0, 8, 1, 2), "'first/name' is encrypted");
  refuses(patched(good, central, 0, 10, 12, 2), "compression method 12");
  refuses(patched(good, central, 0, 24, 1000, 4), "stored entry 'first/name' has 5 bytes and declares 1000");
  refuses(patched(good, central, 0, 42, 0x7fffffff, 4), "a local header at offset 2147483647 lies outside");
  refuses(patched(good, central, 0, 42, 1, 4), "has no local header");
  refuses(patched(good, central, 1, 42, 0, 4), "two entries overlap");
  refuses(patched(good, local, 0, 26, 0xffff, 2), "lies outside the file");
  {
    std::string twice = patched(good, central, 2, 46, 0x6f636573, 4);  // "third" -> "secod"
    twice = patched(twice, central, 1, 28, 5, 2);
    EXPECT_THROW(open(twice), error);
  }
  // Deflate gives 1032 bytes a byte at most; more is a lie, and a large one must not be allocated.
  const std::string bomb = patched(patched(good, central, 0, 10, 8, 2), central, 0, 24, 0x7fffffff, 4);
  refuses(bomb, "declares 2147483647 bytes from 5 compressed ones");
  // A true but steep ratio is fine while small and refused when large.
  zip_limits strict;
  strict.free_size = 100;
  strict.ratio = 10;
  const std::string steep = read_text(golden("deflated.npz"));
  expect_error([&] { zip_reader(as_bytes_of(steep), "steep", strict); }, "compressed ones");
  // Contents.
  std::string flipped = good;
  flipped[flipped.find("hello")] ^= 1;
  expect_error([&] { open(flipped).view(open(flipped).entries()[0]); }, "'first/name' fails its CRC check");
  const std::string short_stream = patched(patched(good, central, 0, 10, 8, 2), central, 0, 24, 40, 4);
  expect_error([&] { open(short_stream).read(open(short_stream).entries()[0]); }, "does not inflate to its 40 bytes");
}

TEST(zip, more_entries_than_16_bits_count) {
  const std::string path = fresh_folder() + "a.zip";
  atomic_file file(path);
  zip_writer zip(file);
  constexpr std::size_t count = 70000;
  for (std::size_t i = 0; i < count; ++i) zip.add(std::to_string(i), as_bytes_of("x"));
  zip.finish();
  file.commit();
  const std::string text = read_text(path);
  const zip_reader reader(as_bytes_of(text), path);
  EXPECT_EQ(reader.entries().size(), count);
  EXPECT_EQ(as_text(reader.view(*reader.find("69999"))), "x");
}

TEST(zip, duplicate_names) {
  const std::string path = fresh_folder() + "a.zip";
  atomic_file file(path);
  zip_writer zip(file);
  zip.add("a", as_bytes_of("1"));
  zip.add("a", as_bytes_of("2"));
  zip.finish();
  file.commit();
  const std::string text = read_text(path);
  expect_error([&] { zip_reader(as_bytes_of(text), path); }, "entry 'a' occurs twice");
}

}  // namespace
}  // namespace avss
