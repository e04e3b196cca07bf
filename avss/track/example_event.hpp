// A validation item to be heard and seen: mixture, estimates and truth as sound and as pictures.
#pragma once

#include <algorithm>
#include <avss/dsp/joint_level.hpp>
#include <avss/report/colour_map.hpp>
#include <avss/report/png.hpp>
#include <avss/report/spectrogram.hpp>
#include <avss/report/wav_bytes.hpp>
#include <avss/track/event.hpp>
#include <avss/train/tracker.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace avss {
namespace detail {

// One signal of an item, `gain` times as loud; pictures of an item have the same top.
inline void add_signal(event& e, const std::string& tag, std::span<const float> x, double gain, int rate, double top) {
  constexpr std::size_t width = 400, height = 160;  // pixels
  constexpr double range = 70;                      // dB
  std::vector<float> y(x.begin(), x.end());
  for (float& v : y) v = static_cast<float>(gain * static_cast<double>(v));
  const std::string wav = wav_bytes(y, rate);
  e.audio(tag, wav, rate, static_cast<std::int64_t>(y.size()));
  const indexed_picture picture = draw(analyse(y, rate), width, height, top, range);
  e.image(tag + "_spectrogram", encode_png(picture, colour_map()), static_cast<std::int64_t>(width),
          static_cast<std::int64_t>(height));
}

}  // namespace detail

// Tags are NAME/mixture, NAME/estimate_s1, NAME/target_s1 and so on, without a number where there is one source; pictures have
// _spectrogram behind. Mixture and targets, which are the same in every validation, only if `with_truth`. Estimates have the
// level that they have in the mixture, whatever the loss leaves free, and come in the network's order.
inline event example_event(double wall, std::int64_t step, const std::string& name, const heard_item& item, bool with_truth) {
  const std::size_t n = item.mixture.size(), sources = static_cast<std::size_t>(item.sources);
  joint_level level(sources);
  level.add(item.mixture, item.estimates);
  const std::vector<double> gains = level.gains();
  float peak = 1;
  for (const float v : item.mixture) peak = std::max(peak, std::abs(v));
  const double quieter = 1 / static_cast<double>(peak), top = top_of(analyse(item.mixture, item.rate));
  event e(wall, step);
  const auto add = [&](const std::string& tag, std::span<const float> x, double gain) {
    detail::add_signal(e, name + "/" + tag, x, gain * quieter, item.rate, top + 20 * std::log10(quieter));
  };
  if (with_truth) add("mixture", item.mixture, 1);
  for (std::size_t s = 0; s < sources; ++s) {
    const std::string which = sources > 1 ? "_s" + std::to_string(s + 1) : "";
    add("estimate" + which, item.estimates.subspan(s * n, n), gains[s]);
    if (with_truth) add("target" + which, item.targets.subspan(s * n, n), 1);
  }
  return e;
}

}  // namespace avss
