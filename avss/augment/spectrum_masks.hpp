// SpecAugment (Park et al. 2019) for networks that take waveforms: bands and stretches are taken out of the mixture's spectrum.
#pragma once

#include <algorithm>
#include <avss/augment/damage.hpp>
#include <avss/augment/item.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/dsp/fft.hpp>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace avss {

// Of the mixture alone: targets stay whole. Windows of about 32 ms (Hann, a quarter apart) that come back as they were where
// nothing is masked. As in torchaudio a mask's width is drawn evenly below the widest, and its place evenly where it fits.
struct spectrum_masks {
  static constexpr bool never_in_sources = true;
  count_range bands{1, 2}, stretches{1, 2};
  double widest_hz = 800, longest_seconds = 0.1;

  constexpr bool alike() const { return false; }
  void check(const sound_kind&) const {
    bands.check("spectrum masks", "numbers of bands");
    stretches.check("spectrum masks", "numbers of stretches");
    draw_range{0, widest_hz}.check("spectrum masks", "the widest band in Hz", 0, 1e6);
    draw_range{0, longest_seconds}.check("spectrum masks", "the longest stretch in seconds", 0, 3600);
  }
  void apply(const sound_item& x, const random_stream& stream) const {
    random_sequence random(stream);
    const std::size_t window = std::bit_ceil(std::max<std::size_t>(8, static_cast<std::size_t>(x.rate) / 32)), hop = window / 4;
    const std::size_t frames = (x.length() + hop - 1) / hop + 3, bins = window / 2 + 1;
    std::vector<float> pass(window, 1);
    for (int left = bands.draw(random); left > 0; --left) {
      const auto [first, end] = mask(random, widest_hz * static_cast<double>(window) / x.rate, bins);
      for (std::size_t k = first; k < end; ++k) pass[k] = pass[(window - k) % window] = 0;
    }
    std::vector<bool> heard(frames, true);
    for (int left = stretches.draw(random); left > 0; --left) {
      const auto [first, end] = mask(random, longest_seconds * x.rate / static_cast<double>(hop), frames);
      std::fill(heard.begin() + static_cast<std::ptrdiff_t>(first), heard.begin() + static_cast<std::ptrdiff_t>(end), false);
    }
    filter(x.mixture, pass, heard);
  }

 private:
  // Where a mask begins and ends among `size` places.
  static std::pair<std::size_t, std::size_t> mask(random_sequence& random, double widest, std::size_t size) {
    const double limit = std::min(widest, static_cast<double>(size));
    const std::size_t width = static_cast<std::size_t>(random.uniform(0.0, limit));
    const std::size_t first = static_cast<std::size_t>(random.below(size - width + 1));
    return {first, first + width};
  }

  // Frame f begins at sample (f - 3) hop, so that four frames cover every sample. Two frames go through one transform: the pass
  // is the same for both and symmetric, so they stay apart as real and imaginary part.
  static void filter(std::span<float> x, const std::vector<float>& pass, const std::vector<bool>& heard) {
    const std::size_t window = pass.size();
    const auto hop = static_cast<std::ptrdiff_t>(window / 4), length = static_cast<std::ptrdiff_t>(x.size());
    std::vector<float> hann(window), y(x.size());
    for (std::size_t i = 0; i < window; ++i)
      hann[i] =
          static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(window)));
    // Squared windows, a quarter apart, sum to 3 / 2; the transforms are not scaled.
    const float scale = 1 / (1.5f * static_cast<float>(window));
    const fft<float>& plan = fft_of<float>(window);
    std::vector<std::complex<float>> both(window), scratch;
    // body(place in the frame, sample) for the samples of frame f that there are.
    const auto each_sample = [&](std::size_t f, auto&& body) {
      const std::ptrdiff_t from = (static_cast<std::ptrdiff_t>(f) - 3) * hop;
      const std::ptrdiff_t end = std::min(static_cast<std::ptrdiff_t>(window), length - from);
      for (std::ptrdiff_t i = std::max<std::ptrdiff_t>(0, -from); i < end; ++i)
        body(static_cast<std::size_t>(i), static_cast<std::size_t>(from + i));
    };
    for (std::size_t f = 0; f < heard.size(); f += 2) {
      const bool first = heard[f], second = f + 1 < heard.size() && heard[f + 1];
      std::fill(both.begin(), both.end(), 0.0f);
      if (first) each_sample(f, [&](std::size_t i, std::size_t at) { both[i].real(x[at] * hann[i]); });
      if (second) each_sample(f + 1, [&](std::size_t i, std::size_t at) { both[i].imag(x[at] * hann[i]); });
      plan.forward(both, scratch);
      for (std::size_t k = 0; k < window; ++k) both[k] *= pass[k] * scale;
      plan.inverse(both, scratch);
      if (first) each_sample(f, [&](std::size_t i, std::size_t at) { y[at] += both[i].real() * hann[i]; });
      if (second) each_sample(f + 1, [&](std::size_t i, std::size_t at) { y[at] += both[i].imag() * hann[i]; });
    }
    std::copy(y.begin(), y.end(), x.begin());
  }
};

}  // namespace avss
