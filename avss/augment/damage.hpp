// Augmentations that damage the mixture alone: targets stay whole, so the network learns to mend.
#pragma once

#include <algorithm>
#include <avss/augment/item.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace avss {

// How many, drawn evenly.
struct count_range {
  int fewest, most;

  int draw(random_sequence& random) const {
    return fewest + static_cast<int>(random.below(static_cast<std::uint64_t>(most - fewest + 1)));
  }
  void check(const char* who, const char* what) const {
    draw_range{static_cast<double>(fewest), static_cast<double>(most)}.check(who, what, 0, 1000);
  }
};

// Chunks of the mixture are silent, as where packets were lost. They may overlap.
struct dropped_chunks {
  static constexpr bool never_in_sources = true;
  count_range count{1, 5};
  draw_range seconds{0.0625, 0.125};  // 1000 to 2000 samples at 16 kHz

  constexpr bool alike() const { return false; }
  void check(const sound_kind&) const {
    count.check("dropped chunks", "numbers of chunks");
    seconds.check("dropped chunks", "seconds", 0, 3600);
  }
  void apply(const sound_item& x, const random_stream& stream) const {
    random_sequence random(stream);
    for (int left = count.draw(random); left > 0; --left) {
      const double wanted = std::round(random.uniform(seconds.lowest, seconds.highest) * x.rate);
      const std::size_t size = std::min(x.length(), static_cast<std::size_t>(wanted));
      const std::size_t first = static_cast<std::size_t>(random.below(x.length() - size + 1));
      std::fill_n(x.mixture.begin() + static_cast<std::ptrdiff_t>(first), size, 0.0f);
    }
  }
};

namespace detail {

// The value that `percent` of all are below, between two neighbours on a straight line. `x` is put into another order.
inline double percentile(std::span<float> x, double percent) {
  const double place = percent / 100 * static_cast<double>(x.size() - 1);
  const auto low = x.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(x.begin(), low, x.end());
  const double below = *low, rest = place - std::floor(place);
  return rest == 0 || low + 1 == x.end() ? below : below + rest * (*std::min_element(low + 1, x.end()) - below);
}

}  // namespace detail

// The loudest `percent` of the mixture's samples are cut off, half of them above and half below.
struct clipping {
  static constexpr bool never_in_sources = true;
  draw_range percent{0, 40};

  constexpr bool alike() const { return false; }
  void check(const sound_kind&) const { percent.check("clipping", "percent", 0, 100); }
  void apply(const sound_item& x, const random_stream& random) const {
    if (x.mixture.empty()) return;
    const double half = percent.draw(random, 0) / 2;
    std::vector<float> sorted(x.mixture.begin(), x.mixture.end());
    const float low = static_cast<float>(detail::percentile(sorted, half));
    const float high = static_cast<float>(detail::percentile(sorted, 100 - half));
    for (float& v : x.mixture) v = std::clamp(v, std::min(low, high), std::max(low, high));
  }
};

}  // namespace avss
