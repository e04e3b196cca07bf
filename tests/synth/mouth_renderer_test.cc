#include <gtest/gtest.h>

#include <array>
#include <avss/core/random.hpp>
#include <avss/synth/mouth_renderer.hpp>
#include <cmath>
#include <numeric>
#include <vector>

namespace avss {
namespace {

using picture = std::array<std::uint8_t, 96 * 96>;

picture draw(const face& f, const clip_look& c, const mouth_shape& m, std::size_t frame = 0) {
  picture p;
  mouth_renderer(f, c).draw(m, frame, p);
  return p;
}

face some_face(std::uint64_t n) { return draw_face(random_stream(3, "face", n), false); }

// Without motion, noise and a border; frontal.
clip_look still() {
  clip_look c = draw_clip_look(random_stream(3, "clip"));
  c.roll = c.yaw = c.sway = c.tremble = c.noise = c.centre_x = c.centre_y = 0;
  c.scale = c.exposure = 1, c.border = 100, c.border_slope = 0;
  return c;
}

double difference(const picture& a, const picture& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(int{a[i]} - int{b[i]});
  return sum / static_cast<double>(a.size());
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double n = static_cast<double>(a.size());
  const double ma = std::accumulate(a.begin(), a.end(), 0.) / n, mb = std::accumulate(b.begin(), b.end(), 0.) / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    ab += (a[i] - ma) * (b[i] - mb), aa += (a[i] - ma) * (a[i] - ma), bb += (b[i] - mb) * (b[i] - mb);
  return ab / std::sqrt(aa * bb);
}

TEST(mouth_outline, opens_with_the_jaw_and_shuts_for_a_closure) {
  for (std::uint64_t n = 0; n < 20; ++n) {
    const face f = some_face(n);
    EXPECT_LT(opening_of(f, {}), 0.1);
    EXPECT_NEAR(opening_of(f, {.open = 1}), f.opening, 1e-9);
    EXPECT_LT(opening_of(f, {.open = 0.3}), opening_of(f, {.open = 0.4}));
    EXPECT_EQ(opening_of(f, {.open = 1, .press = 1}), 0);
    EXPECT_LT(outline_of(f, {.round = 1}).half_outer, 0.7 * outline_of(f, {.wide = 1}).half_outer);
    // The red of the lips lies outside the aperture.
    const mouth_outline o = outline_of(f, {.open = 0.7, .wide = 0.3});
    for (double x = -o.half_inner + 1; x < o.half_inner - 1; x += 1) {
      EXPECT_LT(o.outer_upper(x), o.inner_upper(x));
      EXPECT_LT(o.inner_upper(x), o.inner_lower(x));
      EXPECT_LT(o.inner_lower(x), o.outer_lower(x));
    }
  }
}

// Pixels of the middle column that are darker than any lip, in a mouth without teeth.
TEST(mouth_renderer, the_pictures_open_as_the_shapes_do) {
  face f = some_face(1);
  f.skin = 0.8, f.lips = 0.85, f.teeth = 0.06;
  std::vector<double> wanted, seen;
  for (double open = 0; open <= 1; open += 0.05) {
    const mouth_shape m{.open = open};
    const picture p = draw(f, still(), m);
    double dark = 0;
    for (std::size_t row = 36; row < 84; ++row) dark += p[row * 96 + 47] < 60;
    wanted.push_back(opening_of(f, m)), seen.push_back(dark);
  }
  EXPECT_GT(correlation(wanted, seen), 0.97);
  EXPECT_EQ(seen.front(), 0);
  EXPECT_GT(seen.back(), 6);
}

TEST(mouth_renderer, teeth_are_bright_where_lips_are_drawn_off) {
  face f = some_face(2);
  f.skin = 0.4, f.teeth = 0.95;
  const auto brightest = [](const picture& p) {
    int most = 0;
    for (std::size_t row = 42; row < 56; ++row)
      for (std::size_t column = 42; column < 54; ++column) most = std::max<int>(most, p[row * 96 + column]);
    return most;
  };
  EXPECT_GT(brightest(draw(f, still(), {.open = 0.2, .teeth = 1})), brightest(draw(f, still(), {.press = 1})) + 30);
}

TEST(mouth_renderer, shapes_that_differ_look_different) {
  const std::vector<mouth_shape> shapes{{},
                                        {.open = 1},
                                        {.open = 0.2, .wide = 1, .teeth = 0.5},
                                        {.open = 0.2, .round = 1},
                                        {.open = 0.2, .teeth = 1},
                                        {.open = 0.5, .tuck = 1},
                                        {.open = 0.3, .teeth = 0.4, .tongue = 1}};
  for (std::size_t a = 0; a < shapes.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      EXPECT_GT(difference(draw(some_face(4), still(), shapes[a]), draw(some_face(4), still(), shapes[b])), 0.5)
          << a << ' ' << b;
}

TEST(mouth_renderer, frames_are_the_same_again) {
  const face f = draw_face(random_stream(9, "face", 5), true);
  const clip_look c = draw_clip_look(random_stream(9, "clip", 5));
  const mouth_shape m{.open = 0.5, .wide = 0.2};
  const picture first = draw(f, c, m, 7);
  EXPECT_EQ(first, draw(f, c, m, 7));
  EXPECT_NE(first, draw(f, c, m, 8));  // motion and noise
  EXPECT_GT(difference(first, draw(draw_face(random_stream(9, "face", 6), true), c, m, 7)), 3);
}

TEST(mouth_renderer, pictures_are_neither_flat_nor_saturated) {
  for (std::uint64_t n = 0; n < 12; ++n) {
    const face f = draw_face(random_stream(11, "face", n), true);
    const picture p = draw(f, draw_clip_look(random_stream(11, "clip", n)), {.open = 0.4});
    double sum = 0, squares = 0, full = 0;
    for (const std::uint8_t v : p) sum += v, squares += double{1} * v * v, full += v == 255;
    const double mean = sum / p.size();
    EXPECT_GT(mean, 25) << n;
    EXPECT_LT(mean, 230) << n;
    EXPECT_GT(std::sqrt(squares / p.size() - mean * mean), 6) << n;
    EXPECT_LT(full / p.size(), 0.02) << n;
  }
}

TEST(head_pose, moves_little_and_smoothly) {
  for (std::uint64_t n = 0; n < 20; ++n) {
    const clip_look c = draw_clip_look(random_stream(5, "clip", n));
    head_pose before = pose_at(c, 0);
    for (std::size_t frame = 1; frame < 100; ++frame) {
      const head_pose now = pose_at(c, frame);
      EXPECT_LT(std::abs(now.x) + std::abs(now.y), 2 * c.sway + 10 * c.tremble);
      EXPECT_LT(std::hypot(now.x - before.x, now.y - before.y), 0.5 * c.sway + 8 * c.tremble);
      before = now;
    }
  }
}

}  // namespace
}  // namespace avss
