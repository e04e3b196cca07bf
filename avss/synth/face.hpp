// Whose mouth it is, and how it is filmed.
#pragma once

#include <avss/core/random.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace avss {

// A speaker's looks; the same in all clips. Lengths in pixels of a 96 x 96 crop, brightness 0 to 1.
struct face {
  double mouth_width, opening;        // corner to corner at rest; the widest aperture
  double upper_lip, lower_lip, bow;   // thickness of the lips, dip of Cupid's bow
  double corners;                     // how much higher (< 0) or lower the corners lie
  double nose, nose_width, nostrils;  // height above the mouth, half width, darkness
  double philtrum, folds, chin;       // depths of the groove and of the nasolabial folds; chin's distance
  double jaw_width;                   // half width of the face at the mouth
  double skin, lips, teeth;           // brightness
  double beard;                       // 0 none, 1 full
  std::uint64_t texture;              // seed of spots, pores and hair
};

// One clip: light, camera and how the head moves in it.
struct clip_look {
  double light_x, light_y, ambient, exposure;
  double scale, roll, yaw;         // of the head; roll in radians, yaw -1 to 1
  double centre_x, centre_y;       // of the mouth in the picture, less 48
  double sway, tremble;            // slow motion and jitter of the alignment, pixels
  double background, blur, noise;  // brightness; share of the neighbours; standard deviation in grey levels
  double border, border_slope;     // where the aligned picture ends below, beyond which crops are black
  std::uint64_t seed;
};

inline face draw_face(random_stream stream, bool may_have_beard) {
  random_sequence r(stream);
  face f{};
  f.mouth_width = r.uniform(39., 51.), f.opening = r.uniform(19., 27.);
  f.upper_lip = r.uniform(3.0, 6.0), f.lower_lip = r.uniform(4.2, 8.0), f.bow = r.uniform(0.4, 1.8);
  f.corners = r.uniform(-2.0, 2.0);
  f.nose = r.uniform(20., 26.), f.nose_width = r.uniform(11., 16.), f.nostrils = r.uniform(0.45, 0.9);
  f.philtrum = r.uniform(0.2, 1.0), f.folds = r.uniform(0.1, 1.0), f.chin = r.uniform(24., 31.);
  f.jaw_width = r.uniform(44., 58.);
  f.skin = r.uniform(0.3, 0.8), f.lips = r.uniform(0.52, 0.86), f.teeth = r.uniform(0.72, 0.95);
  const bool bearded = r.chance(0.4);
  f.beard = r.uniform(0.3, 1.);
  if (!may_have_beard || !bearded) f.beard = 0;
  f.texture = stream.sub("texture").bits(0);
  return f;
}

inline clip_look draw_clip_look(random_stream stream) {
  random_sequence r(stream);
  clip_look c{};
  c.light_x = r.uniform(-0.7, 0.7), c.light_y = r.uniform(-0.7, -0.1);
  c.ambient = r.uniform(0.35, 0.65), c.exposure = r.uniform(0.8, 1.15);
  c.scale = r.uniform(0.9, 1.12), c.roll = r.uniform(-0.09, 0.09), c.yaw = r.uniform(-0.6, 0.6);
  c.centre_x = r.uniform(-2., 2.), c.centre_y = r.uniform(-2., 3.);
  c.sway = r.uniform(0.3, 1.4), c.tremble = r.uniform(0.05, 0.35);
  c.background = r.uniform(0.03, 0.5), c.blur = r.uniform(0.05, 0.22), c.noise = r.uniform(0.8, 3.);
  c.border = r.uniform(30., 70.), c.border_slope = r.uniform(-0.25, 0.25);
  c.seed = stream.sub("frames").bits(0);
  return c;
}

// Where the head is in one frame, relative to the clip's look.
struct head_pose {
  double x, y, roll;
};

inline head_pose pose_at(const clip_look& c, std::size_t frame) {
  const random_stream slow(c.seed, "sway"), fast(c.seed, "tremble", frame);
  const double t = static_cast<double>(frame) / 25;
  // Two sines of 0.2 to 1.1 Hz: smooth, and without a period that fits a clip.
  const auto drift = [&](std::uint64_t n) {
    double sum = 0;
    for (std::uint64_t k = 0; k < 2; ++k)
      sum += std::sin(2 * std::numbers::pi * (slow.uniform(8 * n + 2 * k, 0.2, 1.1) * t + slow.uniform(8 * n + 2 * k + 1)));
    return sum / 2;
  };
  return {c.sway * drift(0) + c.tremble * fast.normal(0), c.sway * drift(1) + c.tremble * fast.normal(1),
          0.02 * c.sway * drift(2) + 0.004 * c.tremble * fast.normal(2)};
}

}  // namespace avss
