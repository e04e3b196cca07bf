// From the landmarks of a face over time to where its mouth is cut out: the two procedures of the lip-reading project (Martinez
// et al., "Lipreading using temporal convolutional networks") that published encoders were trained on.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/video/similarity.hpp>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

namespace avss {

enum class mouth_procedure {
  // that of today: landmarks averaged over up to 12 frames around, 8 stable points, robust estimate
  current,
  // the older one, of the mouths of LRS2, LRS3 and VoxCeleb2 that separators share: landmarks averaged over the 12 frames from
  // this one on, 5 stable points, least squares; the last 11 frames share a transform
  legacy
};
inline constexpr std::string_view name_of(mouth_procedure p) { return p == mouth_procedure::current ? "current" : "legacy"; }

inline constexpr std::size_t smoothing_window = 12;  // frames
inline constexpr int aligned_side = 256, crop_side = 96;

// Where a mouth is in a frame: to_face maps the frame to the aligned face of 256 x 256, whose pixels from (left, top) on,
// 96 x 96 of them, are the crop.
struct mouth_view {
  similarity to_face;
  int left = 0, top = 0;
  point centre;  // of the mouth in the aligned face, before it is rounded and kept inside
};

namespace detail {

struct stable_point {
  std::size_t index;
  point mean;  // in the mean face
};
inline constexpr std::array<stable_point, 8> stable_points{{{33, {128.870, 137.303}},
                                                            {36, {92.522, 94.369}},
                                                            {39, {112.772, 94.944}},
                                                            {42, {145.525, 94.535}},
                                                            {45, {166.677, 93.566}},
                                                            {28, {128.489, 106.925}},
                                                            {48, {107.168, 157.196}},
                                                            {54, {152.193, 156.987}}}};
inline constexpr std::size_t legacy_points = 5;  // the first of them

inline landmarks68 mean_landmarks(const std::vector<landmarks68>& all, std::size_t from, std::size_t to) {
  landmarks68 mean{};
  const double n = static_cast<double>(to - from);
  for (std::size_t t = from; t < to; ++t)
    for (std::size_t i = 0; i < 68; ++i) mean[i].x += all[t][i].x / n, mean[i].y += all[t][i].y / n;
  return mean;
}

inline point centre_of(const landmarks68& points, std::size_t first, std::size_t last) {
  point c;
  const double n = static_cast<double>(last - first);
  for (std::size_t i = first; i < last; ++i) c.x += points[i].x / n, c.y += points[i].y / n;
  return c;
}

inline similarity to_mean_face(const landmarks68& points, mouth_procedure how) {
  const std::size_t n = how == mouth_procedure::current ? stable_points.size() : legacy_points;
  std::array<point, 8> from, to;
  for (std::size_t i = 0; i < n; ++i) from[i] = points[stable_points[i].index], to[i] = stable_points[i].mean;
  const std::span<const point> f(from.data(), n), t(to.data(), n);
  return how == mouth_procedure::current ? least_median_similarity(f, t) : least_squares_similarity(f, t);
}

// The crop's first pixel along an axis; halves round to even, as numpy rounds.
inline int crop_start(double centre) {
  const double half = crop_side / 2;
  return static_cast<int>(std::nearbyint(std::clamp(centre, half, aligned_side - half)) - half);
}

inline mouth_view view_of(const similarity& s, const landmarks68& points) {
  mouth_view v{s, 0, 0, s(centre_of(points, 48, 68))};
  v.left = crop_start(v.centre.x), v.top = crop_start(v.centre.y);
  return v;
}

// Averages over frames on both sides, then put where the face is in this frame.
inline landmarks68 smoothed_around(const std::vector<landmarks68>& all, std::size_t t) {
  const std::size_t w = std::min({smoothing_window / 2, t, all.size() - 1 - t});
  landmarks68 mean = mean_landmarks(all, t - w, t + w + 1);
  const point is = centre_of(mean, 0, 68), should = centre_of(all[t], 0, 68);
  for (point& p : mean) p.x += should.x - is.x, p.y += should.y - is.y;
  return mean;
}

}  // namespace detail

// A view for every frame. Throws error for a face of less than 2 pixels, which landmarks of one place only would be.
inline std::vector<mouth_view> align_mouths(const std::vector<landmarks68>& all, mouth_procedure how) {
  std::vector<mouth_view> views;
  views.reserve(all.size());
  const std::size_t n = all.size();
  similarity last;
  for (std::size_t t = 0; t < n; ++t) {
    if (how == mouth_procedure::current) {
      const landmarks68 smooth = detail::smoothed_around(all, t);
      views.push_back(detail::view_of(detail::to_mean_face(smooth, how), smooth));
    } else {
      // Clips shorter than the window have one transform, of the mean of all.
      const std::size_t window = std::min(smoothing_window, n);
      if (t + window <= n) last = detail::to_mean_face(detail::mean_landmarks(all, t, t + window), how);
      views.push_back(detail::view_of(last, all[t]));
    }
    const double scale = views.back().to_face.scale();
    if (!(scale > 0.01 && scale < 100)) fail("frame ", t, ": the landmarks are no face of a size that can be aligned");
  }
  return views;
}

}  // namespace avss
