// Augmentations that add noise to the mixture alone: targets stay clean, so the network learns to take it away.
#pragma once

#include <algorithm>
#include <avss/augment/item.hpp>
#include <avss/augment/sound_bank.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/dsp/fft.hpp>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numbers>
#include <span>
#include <vector>

namespace avss {

namespace detail {

// The noise, at `db` below the mixture by their mean powers. A silent mixture stays, as does one under silent noise.
inline void add_noise(std::span<float> mixture, std::span<const float> noise, double db) {
  const double level = root_mean_square(noise);
  if (level == 0) return;
  const double gain = root_mean_square(mixture) / level / decibels(db);
  for (std::size_t i = 0; i < mixture.size(); ++i)
    mixture[i] = static_cast<float>(static_cast<double>(mixture[i]) + gain * static_cast<double>(noise[i]));
}

}  // namespace detail

// A recording of noise, at a random place; shorter ones follow each other, all at one level, until the item is full.
struct background_noise {
  static constexpr bool never_in_sources = true;
  std::shared_ptr<const sound_bank> noises;
  draw_range snr_db{3, 30};  // of the mixture to the noise
  bool clamp = false;        // the noisy mixture is cut off at full scale, as the reference project's

  constexpr bool alike() const { return false; }
  void check(const sound_kind& kind) const {
    if (!noises) fail("background noise: no noises are given");
    snr_db.check("background noise", "SNR in dB", -100, 200);
    if (noises->rate() != kind.rate)
      fail("background noise: noises at ", noises->rate(), " Hz for items at ", kind.rate, " Hz; open them at that rate");
  }
  void apply(const sound_item& x, const random_stream& random) const {
    std::vector<float> noise(x.length());
    for (std::uint64_t attempt = 0; attempt < attempts && detail::power(noise) == 0; ++attempt)
      fill(noise, random.sub("noise").sub(attempt));
    detail::add_noise(x.mixture, noise, snr_db.draw(random, 0));
    if (clamp) detail::clamp(x.mixture);
  }

 private:
  static constexpr std::uint64_t attempts = 10;  // where a stretch is silent

  void fill(std::span<float> noise, const random_stream& stream) const {
    random_sequence random(stream);
    for (std::size_t done = 0; done < noise.size();) {
      const std::size_t drawn = static_cast<std::size_t>(random.below(noises->size()));
      const std::shared_ptr<const bank_sound> sound = noises->load(drawn);
      const std::span<const float> all(sound->samples);
      const std::size_t wanted = std::min(all.size(), noise.size() - done);
      const std::size_t first = static_cast<std::size_t>(random.below(all.size() - wanted + 1));
      const std::span<const float> piece = all.subspan(first, wanted);
      const double level = detail::root_mean_square(piece);
      for (std::size_t i = 0; i < wanted; ++i)
        noise[done + i] = level > 0 ? static_cast<float>(static_cast<double>(piece[i]) / level) : 0.0f;
      done += wanted;
    }
  }
};

// Gaussian noise of a power spectrum 1 / f^exponent, flat below 20 Hz and without a mean: 0 is white, 1 pink, 2 brown, -1 blue,
// -2 violet. Of the length of the item, where torch-audiomentations repeats one second.
struct coloured_noise {
  static constexpr bool never_in_sources = true;
  draw_range snr_db{3, 30}, exponent{-2, 2};

  constexpr bool alike() const { return false; }
  void check(const sound_kind&) const {
    snr_db.check("coloured noise", "SNR in dB", -100, 200);
    exponent.check("coloured noise", "exponents", -6, 6);
  }
  void apply(const sound_item& x, const random_stream& random) const {
    std::vector<float> noise(x.length());
    fill(noise, x.rate, exponent.draw(random, 1), random.sub("noise"));
    detail::add_noise(x.mixture, noise, snr_db.draw(random, 0));
  }

 private:
  // The real part of the inverse transform of a spectrum without negative frequencies.
  static void fill(std::span<float> noise, int rate, double exponent, const random_stream& random) {
    if (noise.empty()) return;
    constexpr double flat_below = 20;  // Hz
    const std::size_t points = std::bit_ceil(std::max<std::size_t>(noise.size(), 4));
    const double width = static_cast<double>(rate) / static_cast<double>(points);  // Hz of a bin
    std::vector<std::complex<float>> spectrum(points), scratch;
    for (std::size_t k = 1; k < points / 2; ++k) {
      const double f = std::max(flat_below, width * static_cast<double>(k));
      // Two normal numbers out of 64 bits: the first by its magnitude, the second by its angle (Box and Muller 1958).
      const std::uint64_t bits = random.bits(k);
      const double size = std::sqrt(-2 * std::log(static_cast<double>((bits >> 32) + 1) * 0x1p-32));
      const double angle = static_cast<double>(bits & 0xFFFFFFFFu) * (2 * std::numbers::pi * 0x1p-32);
      const double amplitude = size * std::pow(f / flat_below, -exponent / 2);
      spectrum[k] = {static_cast<float>(amplitude * std::cos(angle)), static_cast<float>(amplitude * std::sin(angle))};
    }
    fft_of<float>(points).inverse(spectrum, scratch);
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = spectrum[i].real();
  }
};

}  // namespace avss
