// Mixtures made of nothing: modulated harmonic tones with a little noise, for tests and for trying a training set-up.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/data/batch.hpp>
#include <avss/dsp/video_frames.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>

namespace avss {

// Source s of every item has a pitch of its own range (a fifth and more apart), which is what tells the sources apart;
// pitch, timbre, tremolo and noise are drawn anew for every item. Levels differ by up to 5 dB, the mixture peaks at 0.9.
// Where faces are wanted, a voice's has features that tell its pitch and move with its tremolo, 25 a second.
class synthetic_mixtures final : public item_source {
 public:
  // length in samples; count 0: endless; video_channels 0: sound alone
  synthetic_mixtures(dim_t sources, dim_t length, int sample_rate, dim_t count, std::uint64_t seed, dim_t video_channels = 0)
      : sources_(sources), length_(length), rate_(sample_rate), count_(count), seed_(seed), video_channels_(video_channels) {
    if (sources < 1 || length < 1 || sample_rate < 1 || count < 0 || video_channels < 0)
      fail("synthetic mixtures need a source, a sample and a rate at least, not ", sources, ", ", length, " and ", sample_rate);
  }

  dim_t sources() const override { return sources_; }
  dim_t length() const override { return length_; }
  int sample_rate() const override { return rate_; }
  video_extent video() const override {
    return video_channels_ > 0 ? video_extent{sources_, video_channels_, lip_frames_of(length_, rate_)} : video_extent{};
  }
  dim_t count() const override { return count_; }

  void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const override {
    const std::size_t length = static_cast<std::size_t>(length_);
    if (mixture.size() != length || targets.size() != length * static_cast<std::size_t>(sources_))
      fail("an item of ", sources_, " sources and ", length_, " samples does not fit into ", mixture.size(), " and ",
           targets.size(), " samples");
    std::fill(mixture.begin(), mixture.end(), 0.f);
    for (std::size_t s = 0; s < static_cast<std::size_t>(sources_); ++s) {
      const auto target = targets.subspan(s * length, length);
      voice(random_stream(seed_, "synthetic", n, s), static_cast<int>(s), target);
      for (std::size_t t = 0; t < length; ++t) mixture[t] += target[t];
    }
    float peak = 1e-6f;
    for (float v : mixture) peak = std::max(peak, std::abs(v));
    for (float& v : mixture) v *= 0.9f / peak;
    for (float& v : targets) v *= 0.9f / peak;
  }

  void make_features(std::uint64_t n, std::span<float> features) const override {
    const video_extent v = video();
    if (features.size() != static_cast<std::size_t>(v.size()))
      fail("features of ", v.size(), " values do not fit into ", features.size());
    for (dim_t s = 0, at = 0; s < v.faces; ++s) {
      const shape_of_voice voice(random_stream(seed_, "synthetic", n, static_cast<std::size_t>(s)), static_cast<int>(s));
      const double place = std::log2(voice.pitch / 100);  // in octaves
      for (dim_t c = 0; c < v.channels; ++c)
        for (dim_t f = 0; f < v.frames; ++f)
          features[static_cast<std::size_t>(at++)] =
              static_cast<float>(std::cos(static_cast<double>(c) * (0.3 + place)) *
                                 voice.loudness((static_cast<double>(f) + 0.5) / lip_frame_rate));
    }
  }

 private:
  // What a voice and its face have in common.
  struct shape_of_voice {
    double pitch, tremolo, depth, at;

    shape_of_voice(const random_stream& random, int s)
        : pitch(100 * std::pow(2.2, s) * random.uniform(0, 1., 1.3)),
          tremolo(random.uniform(1, 2., 6.)),
          depth(random.uniform(2, 0.2, 0.7)),
          at(random.uniform(3, 0., 2 * std::numbers::pi)) {}
    double loudness(double time) const { return 1 + depth * std::sin(2 * std::numbers::pi * tremolo * time + at); }
  };

  void voice(const random_stream& random, int s, std::span<float> out) const {
    constexpr int harmonics = 6;
    const double two_pi = 2 * std::numbers::pi, rate = rate_;
    const shape_of_voice own(random, s);
    const double pitch = own.pitch;
    const double level = std::pow(10, random.uniform(4, -2.5, 2.5) / 20);
    double gain[harmonics], phase[harmonics];
    for (int k = 0; k < harmonics; ++k) {
      const auto i = static_cast<std::uint64_t>(2 * k + 5);
      gain[k] = pitch * (k + 1) < rate / 2 ? random.uniform(i, 0.3, 1.) / (k + 1) : 0;
      phase[k] = random.uniform(i + 1, 0., two_pi);
    }
    for (std::size_t t = 0; t < out.size(); ++t) {
      const double time = static_cast<double>(t) / rate;
      double v = 0.01 * (2 * random.uniform(100 + t) - 1);
      for (int k = 0; k < harmonics; ++k) v += gain[k] * std::sin(two_pi * pitch * (k + 1) * time + phase[k]);
      out[t] = static_cast<float>(level * v * own.loudness(time));
    }
  }

  dim_t sources_, length_;
  int rate_;
  dim_t count_;
  std::uint64_t seed_;
  dim_t video_channels_;
};

}  // namespace avss
