// Where the golden weights files lie and what they hold; folders to write to; errors as one line.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <avss/core/error.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/tensor.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace avss::testing {

inline std::string golden(const std::string& name) { return "tests/golden/weights/" + name; }

// The formula of tests/golden/make_weights_golden.py.
inline std::vector<double> formula(std::string_view key, std::size_t n) {
  const std::int64_t crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(key.data()), key.size());
  std::vector<double> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<double>((static_cast<std::int64_t>(i) * 37 + crc) % 256 - 128) / 64;
  return v;
}

inline std::vector<double> truncated(std::vector<double> v) {
  for (double& x : v) x = std::trunc(x);
  return v;
}

// An empty folder of this test's own.
inline std::string fresh_folder() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string folder = ::testing::TempDir() + test->test_suite_name() + "." + test->name();
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder + "/";
}

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::size_t files_in(const std::string& folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(folder)) ++n;
  return n;
}

// The message that f() throws; "" and a failure where it throws none. Messages are one line.
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const error& e) {
    const std::string line = e.what();
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    return line;
  }
  ADD_FAILURE() << "no avss::error";
  return "";
}

template <class F>
void expect_error(const F& f, std::string_view part) {
  const std::string line = error_of(f);
  EXPECT_NE(line.find(part), std::string::npos) << "'" << part << "' expected in: " << line;
}

inline void expect_equal(const tensor& a, const tensor& b, const std::string& name) {
  EXPECT_EQ(a.type, b.type) << name;
  EXPECT_EQ(a.shape, b.shape) << name;
  EXPECT_TRUE(a.bytes == b.bytes) << name;
}

inline void expect_equal(const tensor_dict& a, const tensor_dict& b) {
  ASSERT_EQ(a.entries.size(), b.entries.size());
  for (const named_tensor& e : a.entries) {
    const tensor* other = b.find(e.name);
    ASSERT_NE(other, nullptr) << e.name;
    expect_equal(e.value, *other, e.name);
  }
}

}  // namespace avss::testing
