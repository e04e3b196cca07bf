// Alignment and crops against numpy, OpenCV and scikit-image (tests/golden/make_mouth_golden.py): landmarks of real films in,
// transforms and centres out.
#include <gtest/gtest.h>

#include <avss/io/npz.hpp>
#include <avss/video/landmark_gaps.hpp>
#include <avss/video/mouth_align.hpp>
#include <avss/video/mouth_crop.hpp>
#include <cmath>
#include <numbers>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

const tensor_dict& golden() {
  static const tensor_dict all = read_npz("tests/golden/mouths.npz");
  return all;
}
template <class T>
std::vector<T> values(const std::string& name) {
  const tensor* t = golden().find(name);
  if (!t) fail("mouths.npz: no array ", name);
  const T* from = reinterpret_cast<const T*>(t->bytes.data());
  return {from, from + t->bytes.size() / sizeof(T)};
}
std::vector<std::string> people() {
  std::vector<std::string> names;
  for (const auto& e : golden().entries)
    if (e.name.ends_with(".landmarks")) names.push_back(e.name.substr(0, e.name.rfind('.')));
  return names;
}
std::vector<landmarks68> points_of(const std::string& name) {
  const std::vector<std::int16_t> raw = values<std::int16_t>(name + ".landmarks");
  const std::vector<std::uint8_t> seen = values<std::uint8_t>(name + ".seen");
  std::vector<std::optional<landmarks68>> all(seen.size());
  for (std::size_t t = 0; t < seen.size(); ++t) {
    if (!seen[t]) continue;
    all[t].emplace();
    for (std::size_t i = 0; i < 68; ++i)
      (*all[t])[i] = {static_cast<double>(raw[136 * t + 2 * i]), static_cast<double>(raw[136 * t + 2 * i + 1])};
  }
  return fill_gaps(all);
}

void expect_rows(const std::string& name, mouth_procedure how) {
  const std::vector<float> rows = values<float>(name + "." + std::string(name_of(how)));
  const auto views = align_mouths(points_of(name), how);
  ASSERT_EQ(rows.size(), 8 * views.size());
  for (std::size_t t = 0; t < views.size(); ++t) {
    const float* r = rows.data() + 8 * t;
    const mouth_view& v = views[t];
    const double found[] = {v.to_face.a, v.to_face.b, v.to_face.dx, v.to_face.dy, v.centre.x, v.centre.y};
    for (std::size_t i = 0; i < 6; ++i)
      ASSERT_NEAR(found[i], r[i], i < 2 ? 1e-5 : 2e-3) << name << " frame " << t << " value " << i;
    // a centre that lies between two pixels may be rounded either way
    ASSERT_LE(std::abs(v.left - r[6]), std::abs(std::fmod(v.centre.x, 1.) - 0.5) < 2e-3 ? 1 : 0) << name << ' ' << t;
    ASSERT_LE(std::abs(v.top - r[7]), std::abs(std::fmod(v.centre.y, 1.) - 0.5) < 2e-3 ? 1 : 0) << name << ' ' << t;
  }
}

TEST(mouth_align, gives_numpys_transforms_and_centres_on_real_faces) {
  ASSERT_GE(people().size(), 8u);
  for (const std::string& name : people()) {
    expect_rows(name, mouth_procedure::current);
    expect_rows(name, mouth_procedure::legacy);
  }
}

// OpenCV tries 13 of the 28 pairs at random: the same faces, not the same numbers.
TEST(mouth_align, puts_the_crops_where_opencv_does) {
  std::size_t frames = 0, near = 0;
  for (const std::string& name : people()) {
    const std::vector<float> rows = values<float>(name + ".opencv");
    const auto views = align_mouths(points_of(name), mouth_procedure::current);
    for (std::size_t t = 0; t < views.size(); ++t, ++frames) {
      const similarity opencv{rows[4 * t], rows[4 * t + 1], rows[4 * t + 2], rows[4 * t + 3]};
      const point same = opencv(views[t].to_face.inverse()(views[t].centre));
      near += std::hypot(same.x - views[t].centre.x, same.y - views[t].centre.y) <= 2;
    }
  }
  EXPECT_GE(static_cast<double>(near), 0.99 * static_cast<double>(frames)) << near << " of " << frames;
}

TEST(mouth_crop, gives_the_pixels_of_opencv_and_scikit_image) {
  grey_picture picture{200, 150, values<std::uint8_t>("picture")};
  const std::vector<double> rows = values<double>("warp.rows");
  for (const bool current : {true, false}) {
    const std::vector<std::uint8_t> expected = values<std::uint8_t>(current ? "warp.current" : "warp.legacy");
    for (std::size_t k = 0; k < 4; ++k) {
      const double* r = rows.data() + (current ? 0 : 32) + 8 * k;
      const mouth_view v{{r[0], r[1], r[2], r[3]}, static_cast<int>(r[6]), static_cast<int>(r[7]), {}};
      std::vector<std::uint8_t> crop(96 * 96);
      crop_mouth(picture, v, crop);
      double sum = 0, most = 0;
      for (std::size_t i = 0; i < crop.size(); ++i) {
        const double d = std::abs(static_cast<double>(crop[i]) - expected[9216 * k + i]);
        sum += d, most = std::max(most, d);
      }
      // OpenCV's weights have steps of a 32nd, scikit-image's bytes are cut off
      EXPECT_LT(sum / 9216, current ? 0.5 : 0.7) << current << k;
      EXPECT_LE(most, current ? 6 : 4) << current << k;
    }
  }
}

landmarks68 turned_face(double scale, double angle, point move) {
  const similarity s{scale * std::cos(angle), scale * std::sin(angle), move.x, move.y};
  landmarks68 points;
  for (std::size_t i = 0; i < 68; ++i)
    points[i] = s({128 + 40 * std::cos(0.7 * static_cast<double>(i)), 120 + 0.5 * static_cast<double>(i)});
  for (const detail::stable_point& p : detail::stable_points) points[p.index] = s(p.mean);
  return points;
}

TEST(similarity, is_found_exactly_and_inverted) {
  const double angle = 25 * std::numbers::pi / 180;
  for (const mouth_procedure how : {mouth_procedure::current, mouth_procedure::legacy}) {
    const similarity s = detail::to_mean_face(turned_face(0.6, angle, {300, 50}), how);
    EXPECT_NEAR(s.scale(), 1 / 0.6, 1e-9);
    EXPECT_NEAR(std::atan2(s.b, s.a), -angle, 1e-9);
    const point back = s.inverse()(s({12, -7}));
    EXPECT_NEAR(back.x, 12, 1e-9);
    EXPECT_NEAR(back.y, -7, 1e-9);
  }
}

TEST(similarity, wild_points_do_not_spoil_the_robust_one) {
  landmarks68 points = turned_face(0.6, 0.1, {300, 50});
  const similarity clean = detail::to_mean_face(points, mouth_procedure::current);
  points[48].x += 60, points[54].y -= 45, points[33].x -= 30;  // three of eight
  const similarity robust = detail::to_mean_face(points, mouth_procedure::current);
  EXPECT_NEAR(robust.a, clean.a, 1e-6);
  EXPECT_NEAR(robust.dx, clean.dx, 1e-4);
}

TEST(mouth_align, keeps_crops_within_the_face) {
  std::vector<landmarks68> face(12, turned_face(1, 0, {0, 0}));
  for (landmarks68& f : face)
    for (std::size_t i = 48; i < 68; ++i)
      if (i != 48 && i != 54) f[i].y = 400;
  for (const mouth_view& v : align_mouths(face, mouth_procedure::current)) EXPECT_EQ(v.top, 256 - 96);
}

TEST(mouth_align, short_clips_and_degenerate_faces) {
  const std::vector<landmarks68> face(3, turned_face(0.5, 0, {0, 0}));
  EXPECT_EQ(align_mouths(face, mouth_procedure::legacy).size(), 3u);
  EXPECT_EQ(align_mouths(face, mouth_procedure::current).size(), 3u);
  const std::vector<landmarks68> dot(12, landmarks68{});
  for (const mouth_procedure how : {mouth_procedure::current, mouth_procedure::legacy})
    EXPECT_TRUE(says(error_of([&] { align_mouths(dot, how); }), "frame 0", "no face"));
}

TEST(fill_gaps, interpolates_between_and_copies_at_the_ends) {
  const auto face = [](double x) {
    landmarks68 f;
    for (std::size_t i = 0; i < 68; ++i) f[i] = {x + static_cast<double>(i), 2 * x};
    return f;
  };
  const auto all =
      fill_gaps({std::nullopt, std::nullopt, face(3), std::nullopt, std::nullopt, std::nullopt, face(11), std::nullopt});
  const double expected[] = {3, 3, 3, 5, 7, 9, 11, 11};
  ASSERT_EQ(all.size(), 8u);
  for (std::size_t t = 0; t < 8; ++t) {
    EXPECT_DOUBLE_EQ(all[t][7].x, expected[t] + 7) << t;
    EXPECT_DOUBLE_EQ(all[t][7].y, 2 * expected[t]) << t;
  }
  EXPECT_TRUE(says(error_of([] { fill_gaps({std::nullopt, std::nullopt}); }), "no landmarks", "2 frames"));
}

}  // namespace
}  // namespace avss
