// Items to augment.
#pragma once

#include <avss/augment/item.hpp>
#include <avss/core/random.hpp>
#include <avss/io/audio.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss::testing {

// A mixture that is the sum of its targets, unless one is kept back: then the mixture has a voice more than targets.
struct test_item {
  std::vector<float> mixture, targets;
  int rate = 8000;
  bool faces = false;

  explicit test_item(std::size_t length = 1000, std::size_t sources = 2, std::size_t kept_back = 0, std::uint32_t seed = 7)
      : mixture(length) {
    for (std::size_t s = 0; s < sources + kept_back; ++s) {
      const std::vector<float> voice = noise(length, seed + static_cast<std::uint32_t>(s), 0.3);
      for (std::size_t i = 0; i < length; ++i) mixture[i] += voice[i];
      if (s < sources) targets.insert(targets.end(), voice.begin(), voice.end());
    }
  }
  sound_item view() { return {mixture, targets, rate, faces}; }
  sound_kind kind() const { return {rate, static_cast<dim_t>(mixture.size()), faces}; }
  std::span<const float> target(std::size_t s) const { return std::span(targets).subspan(s * mixture.size(), mixture.size()); }
  bool operator==(const test_item&) const = default;
};

// The item after the augmentation, which is checked first.
template <class A>
test_item augmented(const A& what, test_item x, std::uint64_t n = 0, std::uint64_t seed = 1) {
  what.check(x.kind());
  what.apply(x.view(), random_stream(seed, "augment", n));
  return x;
}

// The largest difference of the mixture from the sum of its targets.
inline double from_sum(const test_item& x) {
  double far = 0;
  for (std::size_t i = 0; i < x.mixture.size(); ++i) {
    double sum = 0;
    for (std::size_t at = i; at < x.targets.size(); at += x.mixture.size()) sum += x.targets[at];
    far = std::max(far, std::abs(sum - x.mixture[i]));
  }
  return far;
}

inline void write_sound(const std::filesystem::path& file, const std::vector<float>& x, int rate = 8000) {
  std::filesystem::create_directories(file.parent_path());
  write_audio(file, rate, x);
}

}  // namespace avss::testing
