// Augmentations of level and sign. Mixture and targets get one gain: the mixture stays the sum of its voices, up to rounding.
#pragma once

#include <algorithm>
#include <avss/augment/item.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <cmath>
#include <span>

namespace avss {

// A gain drawn evenly in dB; nothing is cut off.
struct gain {
  draw_range db{-18, 6};

  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const { db.check("gain", "dB", -200, 100); }
  void apply(const sound_item& x, const random_stream& random) const {
    const double factor = detail::decibels(db.draw(random, 0));
    x.each_signal([&](std::span<float> signal) { detail::scale(signal, factor); });
  }
};

// x becomes -x.
struct polarity_inversion {
  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const {}
  void apply(const sound_item& x, const random_stream&) const {
    x.each_signal([](std::span<float> signal) {
      for (float& v : signal) v = -v;
    });
  }
};

// The mixture's largest absolute sample becomes `peak`. A mixture below `eps` counts as one that reaches it; silence stays.
struct peak_normalization {
  double peak = 0.99, eps = 1e-8;

  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const {
    if (!(peak > 0 && peak <= 1)) fail("peak normalisation: a peak of ", peak, "; expected a level above 0, 1 at most");
    if (!(eps > 0 && eps <= 1)) fail("peak normalisation: eps of ", eps, "; expected a level above 0, 1 at most");
  }
  void apply(const sound_item& x, const random_stream&) const {
    const double factor = peak / std::max<double>(eps, detail::largest(x.mixture));
    x.each_signal([&](std::span<float> signal) { detail::scale(signal, factor); });
  }
};

// The mixture's root mean square becomes `rms`; nothing is cut off. Quiet mixtures and silence as above.
struct rms_normalization {
  double rms = 0.1, eps = 1e-8;

  constexpr bool alike() const { return true; }
  void check(const sound_kind&) const {
    if (!(rms > 0 && rms <= 1)) fail("RMS normalisation: a level of ", rms, "; expected one above 0, 1 at most");
    if (!(eps > 0 && eps <= 1)) fail("RMS normalisation: eps of ", eps, "; expected a level above 0, 1 at most");
  }
  void apply(const sound_item& x, const random_stream&) const {
    const double factor = rms / std::max(eps, detail::root_mean_square(x.mixture));
    x.each_signal([&](std::span<float> signal) { detail::scale(signal, factor); });
  }
};

}  // namespace avss
