// Speech in memory at half the size of float, and a bounded cache of it.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/signal_stream.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <utility>
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
  signal_stream stream(file, rate);
  std::vector<float> samples, block(1 << 14);
  while (const std::size_t got = stream.read(block))
    samples.insert(samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got));
  if (static_cast<dim_t>(samples.size()) != stream.length())
    fail(file.string(), ": gives ", samples.size(), " samples at ", rate, " Hz where its header promises ", stream.length(),
         "; copy or convert it again");
  if (std::all_of(samples.begin(), samples.end(), [](float v) { return std::abs(v) < 1e-6f; }))
    fail(file.string(), ": is silent from end to end; remove it");
  return recording(samples);
}

// The recordings used last, within max_bytes. May be used by several threads at once.
class recording_cache {
 public:
  explicit recording_cache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // The recording of that number; load() makes it, outside the lock, if it is not there. Two threads that ask for the same
  // one at the same time may both load it.
  template <class Load>
  std::shared_ptr<const recording> get(std::size_t number, Load&& load) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = places_.find(number); found != places_.end()) {
        order_.splice(order_.begin(), order_, found->second);
        return order_.front().second;
      }
    }
    auto made = std::make_shared<const recording>(load());
    const std::lock_guard lock(mutex_);
    if (made->bytes() <= max_bytes_ && !places_.contains(number)) {
      order_.emplace_front(number, made);
      places_[number] = order_.begin();
      for (bytes_ += made->bytes(); bytes_ > max_bytes_; order_.pop_back()) {
        bytes_ -= order_.back().second->bytes();
        places_.erase(order_.back().first);
      }
    }
    return made;
  }

  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  using entry = std::pair<std::size_t, std::shared_ptr<const recording>>;

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<entry> order_;  // used last first
  std::unordered_map<std::size_t, std::list<entry>::iterator> places_;
  std::size_t bytes_ = 0;
};

}  // namespace avss
