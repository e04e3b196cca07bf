// Speech in memory at half the size of float, and a bounded cache of it.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/bounded_cache.hpp>
#include <avss/data/signal_stream.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace avss {

// One channel in 16 bits. The step is peak / 32767, so that nothing clips and a quiet recording loses nothing.
class recording {
 public:
  explicit recording(std::span<const float> x) : samples_(x.size()) {
    double sum = 0;
    float peak = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float size = std::abs(x[i]);
      sum += size;
      if (size > peak) peak = size, peak_at_ = static_cast<dim_t>(i);
    }
    level_ = x.empty() ? 0 : sum / static_cast<double>(x.size());
    step_ = peak / 32767;
    if (peak == 0) return;
    const double scale = 32767 / static_cast<double>(peak);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double v = x[i] * scale;
      samples_[i] = static_cast<std::int16_t>(v + std::copysign(0.5, v));  // lrint is a call for each sample
    }
  }

  dim_t length() const { return static_cast<dim_t>(samples_.size()); }
  std::size_t bytes() const { return samples_.size() * sizeof(std::int16_t); }
  double level() const { return level_; }     // mean absolute value
  dim_t peak_at() const { return peak_at_; }  // the first sample of largest absolute value

  // Samples begin, begin + 1, ...; 0 <= begin, begin + out.size() <= length().
  void read(dim_t begin, std::span<float> out) const {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<float>(samples_[static_cast<std::size_t>(begin) + i]) * step_;
  }

 private:
  std::vector<std::int16_t> samples_;
  float step_ = 0;
  double level_ = 0;
  dim_t peak_at_ = 0;
};

// A file's first channel at `rate` Hz. Throws error if it cannot be decoded, or never passes -120 dB of full scale.
inline recording load_recording(const std::filesystem::path& file, int rate) {
  const std::vector<float> samples = read_signal(file, rate);
  if (std::all_of(samples.begin(), samples.end(), [](float v) { return std::abs(v) < 1e-6f; }))
    fail(file.string(), ": is silent from end to end; remove it");
  return recording(samples);
}

using recording_cache = bounded_cache<recording>;

}  // namespace avss
