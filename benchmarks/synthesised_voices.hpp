// Recordings for benchmarks that are given none.
#pragma once

#include <sndfile.h>
#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace avss::benchmarks {

// Harmonics of a voice that comes and goes, and some noise: compresses about as speech does.
inline std::vector<float> voice(std::uint64_t speaker, int rate, double seconds) {
  std::vector<float> x(static_cast<std::size_t>(rate * seconds));
  const random_stream random(1, speaker);
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double time = static_cast<double>(t) / rate, pitch = 100 + 7.0 * static_cast<double>(speaker);
    double v = 0.002 * random.normal(t);
    for (int h = 1; h < 12; ++h) v += 0.05 / h * std::sin(6.2832 * pitch * h * time) * std::abs(std::sin(3 * time));
    x[t] = static_cast<float>(v);
  }
  return x;
}

// 16 bits.
inline void store(const std::filesystem::path& file, int format, int rate, const std::vector<float>& x) {
  std::filesystem::create_directories(file.parent_path());
  SF_INFO info{};
  info.samplerate = rate, info.channels = 1, info.format = format | SF_FORMAT_PCM_16;
  SNDFILE* out = sf_open(file.c_str(), SFM_WRITE, &info);
  if (out == nullptr) fail(file.string(), ": cannot be written: ", sf_strerror(nullptr));
  sf_write_float(out, x.data(), static_cast<sf_count_t>(x.size()));
  sf_close(out);
}

// A folder of its own for this process, gone at the end.
class scratch_folder {
 public:
  explicit scratch_folder(const std::string& name)
      : folder_(std::filesystem::temp_directory_path() / (name + "." + std::to_string(::getpid()))) {}
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace avss::benchmarks
