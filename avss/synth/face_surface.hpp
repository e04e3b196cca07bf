// The lower half of a face as a relief with colours.
#pragma once

#include <algorithm>
#include <avss/core/random.hpp>
#include <avss/synth/face.hpp>
#include <avss/synth/mouth_outline.hpp>
#include <avss/synth/viseme.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace avss {

// One point: its height towards the viewer in pixels, brightness, wetness, and the share that is face, not background.
struct material {
  double height, albedo, gloss, share;
};

class face_surface {
 public:
  explicit face_surface(const face& f) : face_(f), pores_(texture_size * texture_size), hair_(pores_.size()) {
    const random_stream random(f.texture, "skin");
    for (std::size_t i = 0; i < pores_.size(); ++i) pores_[i] = random.uniform(i, -1., 1.);
    const random_stream hairs(f.texture, "hair");
    for (std::size_t i = 0; i < hair_.size(); ++i) hair_[i] = hairs.uniform(i, -1., 1.);
  }

  // (x, y) in pixels from the middle of the closed mouth. The lower face goes down with the jaw.
  material at(const mouth_outline& m, const mouth_shape& shape, double x, double y) const {
    const double lowered = std::clamp((y - m.inner_lower(0)) / 12 + 0.5, 0., 1.);
    const double rest_y = y - m.jaw * 0.75 * lowered;  // the point's place in a closed mouth's face
    material p = skin(m, shape, x, y, rest_y);
    lips(m, shape, x, y, p);
    cavity(m, shape, x, y, p);
    return p;
  }

 private:
  static constexpr std::size_t texture_size = 64;

  static double bump(double x, double y, double sx, double sy) { return std::exp(-x * x / (sx * sx) - y * y / (sy * sy)); }
  // The share of a pixel on the positive side of an edge at distance d.
  static double cover(double d) { return std::clamp(0.5 + d, 0., 1.); }

  // Interpolated random numbers, `grain` pixels apart.
  static double look_up(const std::vector<double>& values, double x, double y, double grain) {
    const double u = x / grain + 1024, v = y / grain + 1024;
    const auto i = static_cast<std::size_t>(u), j = static_cast<std::size_t>(v);
    const double a = u - static_cast<double>(i), b = v - static_cast<double>(j);
    const auto value = [&](std::size_t c, std::size_t r) { return values[r % texture_size * texture_size + c % texture_size]; };
    return (value(i, j) * (1 - a) + value(i + 1, j) * a) * (1 - b) + (value(i, j + 1) * (1 - a) + value(i + 1, j + 1) * a) * b;
  }

  material skin(const mouth_outline& m, const mouth_shape& shape, double x, double y, double rest_y) const {
    const face& f = face_;
    const double side = std::abs(x);
    // The skull: a barrel, with a rounder chin.
    double h = 30 * std::sqrt(std::max(0.05, 1 - x * x / (1.35 * f.jaw_width * f.jaw_width)));
    h += 5 * bump(x, rest_y - f.chin, 13, 9) - 2.4 * bump(x, rest_y - f.lower_lip - 5, 13, 4);
    h += 3.2 * bump(x, y + 4, 24, 14);  // the teeth behind the lips
    // The nose: ball, wings, and the groove below it.
    const double nose_y = y + f.nose + 3;
    h += 13 * bump(x, nose_y + 5, f.nose_width * 0.62, 8) + 6 * bump(side - f.nose_width * 0.8, nose_y + 3, 4.5, 5);
    h += 7 * bump(x, nose_y + 18, 8, 16);
    h -= 1.3 * f.philtrum * bump(x, y + f.nose * 0.5 + 2, 2.6, f.nose * 0.35);
    // The nasolabial folds, from the wings to beside the corners; drawn deeper by a wide mouth.
    const double along = std::clamp((y + f.nose) / (f.nose + 8), 0., 1.2);
    const double fold = f.nose_width + 4 + along * (m.half_outer + 7 - f.nose_width - 4);
    const double depth = f.folds * (1 + 0.7 * std::max(0., shape.wide)) * bump(0, along - 0.55, 1, 0.5);
    h -= 1.6 * depth * std::exp(-(side - fold) * (side - fold) / 7) - 1.5 * depth * bump(side - fold - 8, 0, 8, 1);

    double albedo = f.skin * (1 + 0.05 * look_up(pores_, x, rest_y, 7) + 0.03 * look_up(pores_, x + 99, rest_y, 2.1));
    // Nostrils, and the shadow under the nose.
    albedo *= 1 - f.nostrils * bump(side - f.nose_width * 0.46, nose_y - 2.2, 3.6, 2.1);
    albedo *= 1 - 0.22 * bump(x, nose_y - 4, f.nose_width, 3.5);
    albedo *= 1 - 0.25 * depth * std::exp(-(side - fold) * (side - fold) / 3);
    albedo *= beard(m, x, y, rest_y);
    const double jaw_line =
        f.jaw_width * (rest_y < 8 ? 1 : std::sqrt(std::max(0.01, 1 - std::pow((rest_y - 8) / (f.chin + 22), 2))));
    return {h, albedo, 0, cover((jaw_line - side) / 1.5)};
  }

  // What hair leaves of the brightness: moustache, chin and cheeks, not the red of the lips.
  double beard(const mouth_outline& m, double x, double y, double rest_y) const {
    if (face_.beard == 0) return 1;
    const double side = std::abs(x);
    const double moustache =
        detail::smooth_step((y + 0.75 * face_.nose) / 5) * detail::smooth_step((m.half_outer + 5 - side) / 7);
    const double cheeks = detail::smooth_step((rest_y + 0.55 * side - 24) / 14);
    const double low = std::max(moustache, cheeks);
    const double bare = bump(x, y - m.outer_lower(0) - 2, 7, 3.5);
    const double strands = 0.75 + 0.35 * look_up(hair_, x * 1.2 + rest_y * 0.3, rest_y * 0.35, 1.1);
    return 1 - 0.62 * face_.beard * low * (1 - 0.6 * bare) * strands;
  }
  void lips(const mouth_outline& m, const mouth_shape& shape, double x, double y, material& p) const {
    if (std::abs(x) > m.half_outer + 3) return;
    const double top = m.outer_upper(x), bottom = m.outer_lower(x), a = m.inner_upper(x), b = m.inner_lower(x);
    // Slanting outlines cover by their distance, not by their height.
    const double slant = 1 / std::sqrt(1 + std::pow((bottom - m.outer_lower(x + 0.5)) / 0.5, 2));
    const double red = cover((y - top) * 0.6) * cover((bottom - y) * slant * 0.6) * cover(m.half_outer - std::abs(x));
    const bool upper = y < (a + b) / 2;
    const double thickness = std::max(0.6, upper ? a - top : bottom - b);
    const double across = std::clamp(upper ? (y - top) / thickness : (bottom - y) / thickness, 0., 1.);  // 0 outside, 1 inside
    const double swell = (upper ? 1.3 : 2.4) * (1 + 0.5 * shape.round) * std::min(1., thickness / 4);
    p.height += red * swell * std::sin(across * 2.4);
    const double wrinkles = 1 + 0.05 * look_up(pores_, x, 7 * (upper ? 1 : 2), 1.4);
    const double tone = face_.skin * face_.lips * wrinkles * (upper ? 0.86 : 1.0);
    p.albedo += red * (tone - p.albedo);
    p.gloss += red * (upper ? 0.02 : 0.09);
    // The line between closed lips, and the corners.
    const double seam = cover(0.9 - std::abs(y - (a + b) / 2)) * cover(m.half_inner + 1 - std::abs(x));
    p.albedo *= 1 - 0.6 * seam;
    p.albedo *= 1 - 0.4 * bump(std::abs(x) - m.half_outer + 1.5, y - m.line(x), 2.5, 2);
  }

  void cavity(const mouth_outline& m, const mouth_shape& shape, double x, double y, material& p) const {
    if (std::abs(x) >= m.half_inner || m.aperture() < 0.3) return;
    const double a = m.inner_upper(x), b = m.inner_lower(x);
    const double inside = cover(y - a) * cover(b - y) * std::min(1., (b - a) / 0.8);
    if (inside <= 0) return;
    const double edge = std::abs(x) / m.half_inner;
    double albedo = 0.06;
    // Tongue, then teeth in front of it, unless it is between them.
    const double tongue = cover((y - m.tongue - 2.5 * edge * edge) * 0.6) * cover((0.8 - edge) * 8);
    albedo += tongue * (0.5 * face_.skin * face_.lips * (0.9 - 0.3 * edge) - albedo);
    const double row = 1 - 0.55 * edge * edge, gap = 1 - 0.16 * std::exp(-std::pow(std::sin(x / 5.2 * 3.14159) / 0.25, 2));
    const double hidden = shape.tongue > 0.8 ? tongue : 0.;
    const double upper = cover(m.upper_teeth + 1.2 * edge * edge - y) * (1 - hidden) * cover((0.93 - edge) * 8);
    albedo += upper * (face_.teeth * 0.8 * row * gap - albedo);
    const double lower = cover(y - m.lower_teeth - edge * edge) * (1 - hidden) * cover((0.8 - edge) * 8);
    albedo += lower * (face_.teeth * 0.62 * row * gap - albedo);
    // The upper lip's shadow.
    albedo *= 1 - 0.45 * std::exp(-(y - a) / 1.6);
    p.albedo += inside * (albedo - p.albedo);
    p.gloss *= 1 - inside;
    p.height -= inside * 1.5;
  }

  face face_;
  std::vector<double> pores_, hair_;
};

}  // namespace avss
