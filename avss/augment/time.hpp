// Augmentations of time: mixture and targets are moved alike. Beside faces, half a video frame is the most (lips_tolerance).
#pragma once

#include <algorithm>
#include <avss/augment/item.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/dsp/resample.hpp>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace avss {

// Later (or, below 0, earlier) by a share of the item's length. What leaves at one end comes in at the other, or silence does.
struct time_shift {
  draw_range share{-0.5, 0.5};
  bool rollover = true;

  constexpr bool alike() const { return true; }
  void check(const sound_kind& kind) const {
    share.check("time shift", "shares of an item", -1, 1);
    detail::keep_step(kind, "time shift", moves(kind));
  }
  double moves(const sound_kind& kind) const {
    return std::max(std::abs(share.lowest), std::abs(share.highest)) * static_cast<double>(kind.length) / kind.rate;
  }
  void apply(const sound_item& x, const random_stream& random) const {
    const auto length = static_cast<std::ptrdiff_t>(x.length());
    if (length == 0) return;
    const auto by = static_cast<std::ptrdiff_t>(std::lround(share.draw(random, 0) * static_cast<double>(length)));
    const auto turned = ((by % length) + length) % length;
    x.each_signal([&](std::span<float> signal) {
      std::rotate(signal.begin(), signal.end() - turned, signal.end());
      if (rollover) return;
      if (by >= 0)
        std::fill_n(signal.begin(), std::min(by, length), 0.0f);
      else
        std::fill_n(signal.end() + std::max(by, -length), std::min(-by, length), 0.0f);
    });
  }
};

// Played faster or slower by one of the factors, each equally often; pitch moves along. A faster one ends in silence, a slower
// one is cut at the end. Equal to torchaudio.functional.speed, that is to resampling from int(factor rate) to rate.
struct speed_perturbation {
  std::vector<double> factors{0.95, 1, 1.05};

  constexpr bool alike() const { return true; }
  void check(const sound_kind& kind) const {
    if (factors.empty()) fail("speed perturbation: no factor is given; expected some from 0.5 to 2");
    for (const double f : factors)
      if (!(f >= 0.5 && f <= 2)) fail("speed perturbation: a factor of ", f, "; expected factors from 0.5 to 2");
    detail::keep_step(kind, "speed perturbation", moves(kind));
  }
  double moves(const sound_kind& kind) const {
    double most = 0;
    for (const double f : factors) most = std::max(most, std::abs(1 - 1 / f) * static_cast<double>(kind.length) / kind.rate);
    return most;
  }
  void apply(const sound_item& x, const random_stream& random) const {
    const double factor = factors[static_cast<std::size_t>(random.below(factors.size(), 0))];
    const dim_t from = static_cast<dim_t>(factor * x.rate + 1e-6);  // 1.15 * 16000 is 18399.99... in binary
    if (from == x.rate) return;
    x.each_signal([&](std::span<float> signal) {
      const std::vector<float> played = resample<float>(std::span<const float>(signal), from, x.rate);
      const std::size_t kept = std::min(played.size(), signal.size());
      std::copy_n(played.begin(), kept, signal.begin());
      std::fill(signal.begin() + static_cast<std::ptrdiff_t>(kept), signal.end(), 0.0f);
    });
  }
};

// Backwards: not beside faces.
struct time_inversion {
  constexpr bool alike() const { return true; }
  void check(const sound_kind& kind) const {
    if (kind.faces) fail("time inversion: voices backwards do not go with faces; leave it out");
  }
  void apply(const sound_item& x, const random_stream&) const {
    x.each_signal([](std::span<float> signal) { std::reverse(signal.begin(), signal.end()); });
  }
};

}  // namespace avss
