#include <gtest/gtest.h>

#include <avss/io/safetensors.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::expect_error;
using testing::formula;
using testing::fresh_folder;
using testing::golden;
using testing::read_text;
using testing::truncated;

std::vector<double> absolute(std::vector<double> v) {
  for (double& x : v) x = std::abs(x);
  return v;
}

TEST(safetensors, reads_a_file) {
  const safetensors_file file = read_safetensors(golden("small.safetensors"));
  const tensor_dict& t = file.tensors;
  ASSERT_EQ(t.entries.size(), 5u);
  EXPECT_EQ(t.entries[0].name, "f32");
  EXPECT_EQ(t.find("f32")->shape, (std::vector<dim_t>{2, 3}));
  EXPECT_EQ(t.find("f32")->values<double>(), absolute(formula("f32", 6)));
  EXPECT_EQ(t.find("i64")->shape, (std::vector<dim_t>{}));
  EXPECT_EQ(t.find("i64")->values<double>(), truncated(absolute(formula("i64", 1))));
  EXPECT_EQ(t.find("f16")->values<double>(), absolute(formula("f16", 3)));
  EXPECT_EQ(t.find("u8")->values<double>(), truncated(absolute(formula("u8", 2))));
  EXPECT_EQ(t.find("nothing")->shape, (std::vector<dim_t>{0, 4}));
  ASSERT_EQ(file.metadata.size(), 2u);
  EXPECT_EQ(file.metadata[1].second, "caf\xc3\xa9 \"quoted\"");
}

TEST(safetensors, round_trip_of_every_type) {
  const std::string path = fresh_folder() + "a.safetensors";
  tensor_dict all;
  for (dtype type : {dtype::boolean, dtype::u8, dtype::i8, dtype::i16, dtype::i32, dtype::i64, dtype::f16, dtype::bf16,
                     dtype::f32, dtype::f64}) {
    tensor t{type, {3, 1}, std::vector<std::byte>(3 * bytes_of(type), std::byte{1})};
    all.add(std::string("a.\"") + name_of(type) + "\n", std::move(t));
  }
  all.add("scalar", tensor{dtype::f32, {}, std::vector<std::byte>(4)});
  all.add("empty", tensor{dtype::f32, {0}, {}});
  const std::vector<std::pair<std::string, std::string>> about{{"format", "pt"}, {"k\t\x01", "\\"}};
  write_safetensors(path, all, about);
  const safetensors_file back = read_safetensors(path);
  testing::expect_equal(all, back.tensors);
  EXPECT_EQ(back.metadata, about);
  const std::string first = read_text(path);
  EXPECT_EQ(load_le<std::uint64_t>(as_bytes_of(first).data()) % 8, 0u);
  write_safetensors(path, all, about);
  EXPECT_EQ(read_text(path), first);
  write_safetensors(path, {});
  EXPECT_EQ(read_safetensors(path).tensors.entries.size(), 0u);
}

TEST(safetensors, writes_nothing_that_cannot_be_read) {
  const std::string folder = fresh_folder(), path = folder + "a.safetensors";
  const tensor one{dtype::u8, {1}, std::vector<std::byte>(1)};
  const auto refuses = [&](const tensor_dict& t, std::string_view why) {
    expect_error([&] { write_safetensors(path, t); }, why);
    EXPECT_EQ(testing::files_in(folder), 0u);
  };
  refuses({{{"a", one}, {"a", one}}}, "duplicate key");
  refuses({{{"\xff", one}}}, "not UTF-8");
  refuses({{{"__metadata__", one}}}, "may be called __metadata__");
  refuses({{{"a", tensor{dtype::f32, {1}, std::vector<std::byte>(3)}}}}, "has 3 bytes");
}

std::string file_of(const std::string& header, std::size_t data) {
  std::string text;
  store_le<std::uint64_t>(text, header.size());
  return text + header + std::string(data, '\0');
}

TEST(safetensors, refuses_attacks) {
  const auto refuses = [](const std::string& text, std::string_view why) {
    expect_error([&] { parse_safetensors(as_bytes_of(text), "a.safetensors"); }, why);
  };
  const auto header = [&](const std::string& h, std::size_t data, std::string_view why) { refuses(file_of(h, data), why); };
  const auto one = [&](const std::string& info, std::size_t data, std::string_view why) {
    header("{\"a\":" + info + "}", data, why);
  };
  refuses("", "only 0 bytes");
  refuses(std::string(8, '\xff'), "a header of 18446744073709551615 bytes");
  refuses(std::string("\x00\xe1\xf5\x05\x00\x00\x00\x00{}", 10), "its header of 100000000 bytes is cut off");
  refuses(std::string("\x03\x00\x00\x00\x00\x00\x00\x00{}", 10), "is cut off");
  header("[]", 0, "does not start with '{'");
  header(" {}", 0, "does not start with '{'");
  header("{} x", 0, "text after the value");
  header("{", 0, "a key must be a string");
  header("{\"a\":1,}", 0, "a key must be a string");
  header("{\"a\":NaN}", 0, "value expected");
  header("{\"\xc0\xaf\":1}", 0, "not UTF-8");
  header("{\"\xed\xa0\x80\":1}", 0, "not UTF-8");
  header("{\"\\ud800\":1}", 0, "lone surrogate");
  header("{\"a\":" + std::string(100000, '['), 0, "nested too deeply");
  std::string many = "{\"a\":[0";
  for (int i = 0; i < 1100000; ++i) many += ",0";
  header(many + "]}", 0, "too many values");
  const std::string good = "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
  EXPECT_EQ(parse_safetensors(as_bytes_of(file_of("{\"a\":" + good + "}  ", 4)), "a").tensors.entries.size(), 1u);
  header("{\"a\":" + good + ",\"a\":" + good + "}", 4, "duplicate key");
  header("{\"a\":" + good + ",\"\\u0061\":" + good + "}", 4, "duplicate key");
  header("{\"a\":" + good + ",\"b\":" + good + "}", 4, "a hole or an overlap");
  header("{\"a\":" + good + "}", 5, "its tensors cover 4 of 5 bytes");
  header("{\"a\":" + good + "}", 3, "its tensors cover 4 of 3 bytes");
  header("{\"a\":" + good + ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}", 12, "where 4 is expected");
  one("{\"dtype\":\"F32\",\"shape\":[1]}", 4, "must have exactly dtype, shape and data_offsets");
  one("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}", 4, "must have exactly");
  one("[1]", 4, "must have exactly");
  one("{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,4]}", 4, "has dtype 'F8_E4M3', which is not read");
  one("{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}", 4, "no non-negative");
  one("{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}", 4, "no non-negative");
  one("{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}", 4, "no non-negative");
  one("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}", 4, "of shape [2] and type float32 does not fit its 4 bytes");
  one("{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}", 0, "does not fit");
  one("{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4,0],\"data_offsets\":[0,0]}", 0, "does not fit");
  one("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}", 4, "no ascending pair");
  one("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}", 4, "of a wrong kind");
  one("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[18446744073709551612,18446744073709551616]}", 4, "no ascending pair");
  one("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[18446744073709551611,18446744073709551615]}", 4,
      "where 0 is expected");
  header("{\"__metadata__\":{\"a\":1}}", 0, "must map strings to strings");
  header("{\"__metadata__\":[]}", 0, "__metadata__ is no object");
}

TEST(strict_json, accepts_and_decodes) {
  const json_value v = strict_json::parse(" {\"a\": [1, -2.5e+3, true, null], \"\\u00e9\\ud83d\\ude00\": \"\\n\"} ", "x");
  ASSERT_EQ(v.keys.size(), 2u);
  EXPECT_EQ(v.find("a")->items.size(), 4u);
  EXPECT_EQ(v.find("a")->items[1].text, "-2.5e+3");
  EXPECT_EQ(v.keys[1], "\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(v.items[1].text, "\n");
  for (const char* bad :
       {"", "01", "1.", "+1", "1e", "tru", "\"\t\"", "\"\\x\"", "\"\\u12", "[1 2]", "{1:2}", "{\"a\" 1}", "\"", "\"\\"})
    EXPECT_THROW(strict_json::parse(bad, "x"), error) << bad;
}

}  // namespace
}  // namespace avss
