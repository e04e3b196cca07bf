// Rooms and microphones: convolution with a recorded impulse response.
#pragma once

#include <algorithm>
#include <avss/augment/item.hpp>
#include <avss/augment/sound_bank.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/dsp/fft.hpp>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace avss {

// Mixture and targets are convolved with one response and cut to their length: the network learns to give the voice as the room
// has it. Within each_source, every voice gets a response of its own. The direct path's delay is kept, unless it is
// compensated; beside faces, half a video frame of it at most (lips_tolerance).
struct impulse_response {
  std::shared_ptr<const sound_bank> responses;
  bool compensate_delay = false;  // the response begins at its largest absolute sample
  bool keep_level = false;        // one gain for all gives the mixture its root mean square back
  bool clamp = false;             // each signal is cut off at full scale, as the reference project's

  constexpr bool alike() const { return true; }
  void check(const sound_kind& kind) const {
    if (!responses) fail("impulse response: no responses are given");
    if (responses->rate() != kind.rate)
      fail("impulse response: responses at ", responses->rate(), " Hz for items at ", kind.rate, " Hz; open them at that rate");
  }
  double moves(const sound_kind& kind) const { return kind.faces && !compensate_delay ? lips_tolerance : 0; }
  void apply(const sound_item& x, const random_stream& random) const {
    const std::size_t drawn = responses->draw(random, 0);
    const std::shared_ptr<const bank_sound> sound = responses->load(drawn);
    if (detail::largest(sound->samples) == 0)
      fail(responses->file(drawn).string(), ": an impulse response that is silent; remove it");
    const double before = keep_level ? detail::root_mean_square(x.mixture) : 0;
    fft_convolution convolution(sound->samples, x.length(), start_of(sound->samples, x));
    for (std::size_t s = 0; s <= x.sources(); s += 2)
      convolution.apply(signal(x, s), s < x.sources() ? signal(x, s + 1) : std::span<float>{});
    if (const double after = keep_level ? detail::root_mean_square(x.mixture) : 0; after > 0)
      x.each_signal([&](std::span<float> y) { detail::scale(y, before / after); });
    if (clamp) x.each_signal([](std::span<float> y) { detail::clamp(y); });
  }

 private:
  // The mixture, and then the targets.
  static std::span<float> signal(const sound_item& x, std::size_t number) {
    return number == 0 ? x.mixture : x.target(number - 1);
  }
  std::size_t start_of(std::span<const float> response, const sound_item& x) const {
    const auto top =
        std::max_element(response.begin(), response.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
    const std::size_t delay = static_cast<std::size_t>(top - response.begin());
    if (compensate_delay) return delay;
    const std::size_t most = static_cast<std::size_t>(lips_tolerance * x.rate);
    return x.faces && delay > most ? delay - most : 0;
  }
};

}  // namespace avss
