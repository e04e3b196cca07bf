// How a mouth moves from sound to sound.
#pragma once

#include <algorithm>
#include <avss/synth/viseme.hpp>
#include <cmath>
#include <span>

namespace avss {
namespace detail {

// 1 while the contact of [begin, end] lasts, with soft flanks: lips close faster than they open.
inline double contact(double t, double begin, double end) {
  constexpr double approach = 0.07, release = 0.06, least = 0.02;  // s
  const double middle = (begin + end) / 2, half = std::max((end - begin) / 2 - 0.01, least);
  return smooth_step(1 - (std::abs(t - middle) - half) / (t < middle ? approach : release));
}

}  // namespace detail

// The mouth at time t. The jaw and the lips' width blend the aims of all sounds near t, each weighted by its strength and by
// a bell over its time (after the dominance functions of Cohen and Massaro 1993, "Modeling coarticulation in synthetic visual
// speech"): sounds are prepared early and linger. Contacts (lips, teeth, tongue) do not blend, or a "p" between open
// vowels would never close.
inline mouth_shape mouth_at(std::span<const timed_viseme> track, double t) {
  constexpr double reach = 0.022;  // s that a sound is seen beyond its own time
  mouth_shape m = viseme_at_rest.aim;
  double weights = 1e-4;
  m.open *= weights;
  for (const timed_viseme& v : track) {
    const double sigma = 0.42 * (v.end - v.begin) + reach, x = (t - (v.begin + v.end) / 2) / sigma;
    if (std::abs(x) > 4) continue;
    const double w = v.looks.strength * std::exp(-x * x);
    const mouth_shape& a = v.looks.aim;
    weights += w;
    m.open += w * a.open * v.loudness;
    m.wide += w * a.wide;
    m.round += w * a.round;
    m.teeth += w * a.teeth;
    const double c = detail::contact(t, v.begin, v.end);
    m.press = std::max(m.press, c * a.press);
    m.tuck = std::max(m.tuck, c * a.tuck);
    m.tongue = std::max(m.tongue, c * a.tongue);
  }
  m.open /= weights, m.wide /= weights, m.round /= weights, m.teeth /= weights;
  return m;
}

}  // namespace avss
