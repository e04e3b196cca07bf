#include <gtest/gtest.h>

#include <avss/io/npz.hpp>
#include <string>
#include <vector>

#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::expect_error;
using testing::formula;
using testing::fresh_folder;
using testing::golden;
using testing::truncated;

void check_arrays(const tensor_dict& a) {
  const auto check = [&](const char* name, dtype type, std::vector<dim_t> shape, const std::vector<double>& values) {
    const tensor* t = a.find(name);
    ASSERT_NE(t, nullptr) << name;
    EXPECT_EQ(t->type, type) << name;
    EXPECT_EQ(t->shape, shape) << name;
    EXPECT_EQ(t->values<double>(), values) << name;
  };
  check("b1", dtype::boolean, {2}, {1, 0});
  check("i1", dtype::i8, {4}, truncated(formula("i1", 4)));
  check("i2", dtype::i16, {4}, truncated(formula("i2", 4)));
  check("i4", dtype::i32, {4}, truncated(formula("i4", 4)));
  check("i8", dtype::i64, {4}, truncated(formula("i8", 4)));
  check("f2", dtype::f16, {2, 2}, formula("f2", 4));
  check("f4", dtype::f32, {2, 3, 4}, formula("f4", 24));
  check("f8", dtype::f64, {3}, formula("f8", 3));
  check("big", dtype::f32, {2, 3}, formula("big", 6));
  check("columns", dtype::f32, {2, 3, 4}, formula("columns", 24));
  check("scalar", dtype::f64, {}, {2.5});
  check("empty", dtype::f32, {0, 3}, {});
  ASSERT_NE(a.find("u1"), nullptr);
  EXPECT_EQ(a.find("u1")->type, dtype::u8);
}

TEST(npz, reads_what_numpy_writes) {
  const tensor_dict stored = read_npz(golden("stored.npz"));
  EXPECT_EQ(stored.entries.size(), 13u);
  check_arrays(stored);
  const tensor_dict deflated = read_npz(golden("deflated.npz"));
  EXPECT_EQ(deflated.entries.size(), 14u);
  check_arrays(deflated);
  EXPECT_EQ(deflated.find("zeros")->values<float>(), std::vector<float>(64 * 64));
  const tensor_dict some = read_npz(golden("stored.npz"), [](std::string_view name) { return name == "f4"; });
  ASSERT_EQ(some.entries.size(), 1u);
  EXPECT_EQ(read_npy(golden("single.npy")).values<double>(), formula("single", 6));
  EXPECT_EQ(read_npy(golden("version2.npy")).values<double>(), formula("version2", 4));
  EXPECT_EQ(read_npy(golden("version3.npy")).values<double>(), formula("version3", 4));
}

TEST(npz, round_trip) {
  const std::string path = fresh_folder() + "a.npz";
  const tensor_dict arrays = read_npz(golden("stored.npz"));
  write_npz(path, arrays);
  testing::expect_equal(arrays, read_npz(path));
  write_npy(path, *arrays.find("f4"));
  testing::expect_equal(*arrays.find("f4"), read_npy(path), "f4");
  tensor_dict brain;
  brain.add("b", tensor{dtype::bf16, {1}, std::vector<std::byte>(2)});
  expect_error([&] { write_npz(path, brain); }, "array 'b': the npy format has no bfloat16; convert to float32");
}

TEST(npz, refuses_objects) {
  expect_error([] { read_npz(golden("objects.npz")); }, "array 'data': an object array (a pickle) is not read");
  expect_error([] { read_npz(golden("streamed.zip")); }, "entry '../../escape.txt' is no .npy");
}

std::string npy(const std::string& header, std::size_t data) {
  std::string text = "\x93NUMPY";
  text += '\x01';
  text += '\0';
  store_le(text, static_cast<std::uint16_t>(header.size()));
  return text + header + std::string(data, '\1');
}

TEST(npy, strict_header) {
  const auto parse = [](const std::string& text) { return parse_npy(as_bytes_of(text), "a.npy"); };
  const auto refuses = [&](const std::string& header, std::size_t data, std::string_view why) {
    expect_error([&] { parse(npy(header, data)); }, why);
  };
  EXPECT_EQ(parse(npy("{'shape': (2,), \"fortran_order\": False, 'descr': '<f4'}", 8)).shape, (std::vector<dim_t>{2}));
  EXPECT_EQ(parse(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (), }\n", 1)).shape, (std::vector<dim_t>{}));
  refuses("", 0, "lacks a '{'");
  refuses("{'descr': '<f4', 'fortran_order': False}", 0, "lacks one of");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'descr': '<f8'}", 4, "second or unknown key 'descr'");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4, "unknown key 'x'");
  refuses("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", 4, "neither True nor False");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", 4, "a shape that is no tuple");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 4, "no non-negative 64-bit integer");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1L,)}", 4, "lacks a ')'");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, "goes on after its end");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 4, "shape [3] of float32 does not fit its 4 bytes");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", 4, "does not fit");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904, 0)}", 0,
          "does not fit");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 4, "64-bit");
  refuses("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8, "npy element type '<c8' is not read");
  refuses("{'descr': '', 'fortran_order': False, 'shape': (1,)}", 8, "npy element type '' is not read");
  refuses("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4, "structured");
  refuses("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 4, "object array");
  refuses("{'descr': '<f4", 4, "a string without an end");
  expect_error([&] { parse("\x93NUMPY\x04"); }, "truncated npy array");
  expect_error([&] { parse(std::string("\x93NUMPY\x04\x00\x01\x00 ", 11)); }, "npy version 4 is not read");
  expect_error([&] { parse("not numpy at all"); }, "not an npy array");
  std::string axes = "{'descr': '|u1', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < 70; ++i) axes += "1,";
  refuses(axes + ")}", 1, "more than 64 axes");
}

}  // namespace
}  // namespace avss
