// Networks without weights for tests of what surrounds them.
#pragma once

#include <avss/model/av_separator.hpp>
#include <avss/model/separator.hpp>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss::testing {

// Any function as a network; remembers the lengths that it was given.
class function_separator : public separator {
 public:
  using function = std::function<void(std::span<const float> mixture, std::span<float> estimates)>;

  function_separator(int rate, int sources, function f, dim_t receptive_field = 1)
      : info_{"fake", rate, sources, 0, receptive_field}, f_(std::move(f)) {}
  const separator_info& info() const override { return info_; }
  void load(const loaded_weights&, const std::string&) override {}
  void save(const std::string&, const std::string&) override {}
  void separate(std::span<const float> mixture, std::span<float> estimates) override {
    lengths.push_back(mixture.size());
    f_(mixture, estimates);
  }
  std::size_t planned_bytes(dim_t) const override { return 0; }

  std::vector<std::size_t> lengths;

 private:
  separator_info info_;
  function f_;
};

// Any function as a network that sees faces; remembers what it was given.
class function_av_separator : public av_separator {
 public:
  using function = std::function<void(const av_size& n, std::span<const float> mixture, std::span<const float> video,
                                      std::span<float> voices)>;

  function_av_separator(int rate, function f, dim_t shortest_video = 1, dim_t shortest_sound = 1, dim_t channels = 2)
      : f_(std::move(f)), shortest_video_(shortest_video), shortest_sound_(shortest_sound), channels_(channels) {
    info_.name = "fake";
    info_.sample_rate = rate;
    info_.ordered = true;
  }
  const separator_info& info() const override { return info_; }
  dim_t video_channels() const override { return channels_; }
  dim_t shortest_video() const override { return shortest_video_; }
  dim_t shortest_sound() const override { return shortest_sound_; }
  void load(const loaded_weights&, const std::string&) override {}
  void save(const std::string&, const std::string&) override {}
  void separate(const av_size& n, std::span<const float> mixture, std::span<const float> video,
                std::span<float> voices) override {
    sizes.push_back(n);
    mixtures.emplace_back(mixture.begin(), mixture.end());
    videos.emplace_back(video.begin(), video.end());
    f_(n, mixture, video, voices);
  }
  std::size_t planned_bytes(const av_size&) const override { return 0; }

  std::vector<av_size> sizes;
  std::vector<std::vector<float>> mixtures, videos;

 private:
  separator_info info_;
  function f_;
  dim_t shortest_video_, shortest_sound_, channels_;
};

// The part of x below a cut-off that falls with `half`, a moving average of 2 half + 1 samples; x less it is the rest.
inline std::vector<float> low_part(std::span<const float> x, int half) {
  const int n = static_cast<int>(x.size());
  std::vector<float> y(x.size());
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (int k = std::max(0, i - half); k <= std::min(n - 1, i + half); ++k) sum += x[static_cast<std::size_t>(k)];
    y[static_cast<std::size_t>(i)] = static_cast<float>(sum / (2 * half + 1));
  }
  return y;
}

// Splits a mixture into its low and high part, in an order, at levels and with signs that change from call to call.
inline function_separator splitter(int rate, std::uint32_t seed, bool restless = true, int half = 4) {
  return function_separator(rate, 2, [=, random = lcg(seed)](std::span<const float> x, std::span<float> y) mutable {
    const std::vector<float> low = low_part(x, half);
    const bool swap = restless && random() > 0;
    const double gains[] = {restless ? 5 * random() + 0.01 : 1, restless ? 0.3 * random() + 0.01 : 1};
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i + (swap ? x.size() : 0)] = static_cast<float>(gains[0] * low[i]);
      y[i + (swap ? 0 : x.size())] = static_cast<float>(gains[1] * (x[i] - low[i]));
    }
  });
}

}  // namespace avss::testing
