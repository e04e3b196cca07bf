// The outlines of the lips, the teeth and the tongue for one shape of the mouth.
#pragma once

#include <algorithm>
#include <avss/synth/face.hpp>
#include <avss/synth/viseme.hpp>
#include <cmath>

namespace avss {

// Lengths in pixels; the origin is the middle of the closed mouth, y points down. Outlines are functions of x.
struct mouth_outline {
  double half_outer, half_inner;  // from the middle to the lips' corners and to the aperture's
  double rise, drop;              // of the upper and the lower lip's inner edge in the middle
  double upper, lower, bow;       // thickness of the lips, dip of Cupid's bow
  double corners;
  double sharpness;                 // exponent of the aperture's outline
  double upper_teeth, lower_teeth;  // y of their edges
  double tongue;                    // y of its top
  double jaw;                       // how far the chin has gone down

  double aperture() const { return rise + drop; }

  double line(double x) const { return corners * (x / half_outer) * (x / half_outer); }
  double inner_upper(double x) const { return line(x) - rise * dome(x / half_inner, sharpness); }
  double inner_lower(double x) const { return line(x) + drop * dome(x / half_inner, sharpness); }
  double outer_upper(double x) const {
    const double dip = bow * std::exp(-x * x / 9) - 0.5 * bow * std::exp(-(std::abs(x) - 5) * (std::abs(x) - 5) / 12);
    return line(x) - (rise + upper) * dome(x / half_outer, 0.8) + dip * dome(x / half_outer, 0.5);
  }
  double outer_lower(double x) const { return line(x) + (drop + lower) * dome(x / half_outer, 0.62); }

 private:
  static double dome(double x, double exponent) { return std::abs(x) >= 1 ? 0 : std::pow(1 - x * x, exponent); }
};

inline mouth_outline outline_of(const face& f, const mouth_shape& m) {
  mouth_outline o{};
  const double free = 1 - m.press;
  const double jaw = std::max(m.open, 0.) * f.opening * (1 - 0.25 * m.round);
  o.half_outer = f.mouth_width / 2 * (1 + 0.15 * m.wide - 0.36 * m.round - 0.07 * std::min(m.open, 1.) - 0.03 * m.press);
  o.half_inner = o.half_outer * (0.9 - 0.12 * m.round);
  o.rise = free * (0.22 * jaw + 2.2 * m.teeth + 0.8 * m.round * m.open);
  o.drop = free * (0.78 * jaw + 2.0 * m.teeth) * (1 - 0.85 * m.tuck);
  o.upper = f.upper_lip * (1 + 0.25 * m.round - 0.1 * m.wide) * (1 - 0.45 * m.press);
  o.lower = f.lower_lip * (1 + 0.25 * m.round - 0.1 * m.wide) * (1 - 0.4 * m.press) * (1 - 0.45 * m.tuck);
  o.bow = f.bow * (1 - 0.6 * m.round);
  o.corners = f.corners - 1.5 * m.wide + 0.25 * o.drop;
  o.sharpness = 0.75 - 0.25 * m.round;
  o.jaw = jaw;
  // Upper teeth belong to the skull, lower ones to the jaw.
  o.upper_teeth = -0.2 + 0.08 * f.opening;
  o.lower_teeth = std::max(o.upper_teeth + 0.6, jaw - 1.2 + 0.9 * (1 - m.teeth));
  const double low = o.drop * 0.62 + 1.5;
  o.tongue = low + (o.upper_teeth - low) * m.tongue;
  return o;
}

// The height of the aperture in pixels: what a lip reader sees of the jaw.
inline double opening_of(const face& f, const mouth_shape& m) { return outline_of(f, m).aperture(); }

}  // namespace avss
