// Test signals and a folder of its own for each test.
#pragma once

#include <gtest/gtest.h>

#include <avss/core/error.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <string>
#include <vector>

namespace avss::testing {

// Uniform in [-1, 1) from a 32-bit linear congruential generator: the same everywhere.
class lcg {
 public:
  explicit lcg(std::uint32_t seed) : state_(seed) {}
  double operator()() {
    state_ = state_ * 1664525u + 1013904223u;
    return state_ / 4294967296.0 * 2 - 1;
  }

 private:
  std::uint32_t state_;
};

template <class T = float>
std::vector<T> noise(std::size_t length, std::uint32_t seed, double level = 1) {
  lcg random(seed);
  std::vector<T> x(length);
  for (T& v : x) v = static_cast<T>(level * random());
  return x;
}

template <class T = float>
std::vector<T> tone(std::size_t length, double cycles_per_sample, double level = 1) {
  std::vector<T> x(length);
  for (std::size_t n = 0; n < length; ++n)
    x[n] = static_cast<T>(level * std::sin(2 * std::numbers::pi * cycles_per_sample * static_cast<double>(n)));
  return x;
}

// what() of the avss::error that `action` throws, "" if it throws none.
template <class F>
std::string error_of(F&& action) {
  try {
    action();
  } catch (const error& e) {
    return e.what();
  }
  return {};
}

// One line that names all of `parts`.
template <class... Parts>
::testing::AssertionResult says(const std::string& message, const Parts&... parts) {
  if (message.empty()) return ::testing::AssertionFailure() << "no error";
  if (message.find('\n') != std::string::npos) return ::testing::AssertionFailure() << "more than one line: " << message;
  std::string missing;
  ((message.find(parts) == std::string::npos ? (void)(missing += std::string(" \"") + parts + "\"") : void()), ...);
  if (!missing.empty()) return ::testing::AssertionFailure() << "\"" << message << "\" lacks" << missing;
  return ::testing::AssertionSuccess();
}

// A folder that is empty at the start of each test and gone at its end.
class in_folder : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder = std::filesystem::path(::testing::TempDir()) / (std::string(test->test_suite_name()) + "." + test->name());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  // Files in the folder and below, hidden ones too.
  std::size_t count_files() const {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) n += entry.is_regular_file();
    return n;
  }

  std::filesystem::path folder;
};

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace avss::testing
