// dlib's templates are slow to compile: they are all here.
#include "tools/dlib_faces.hpp"

#include <dlib/image_processing.h>
#include <dlib/image_processing/frontal_face_detector.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/path_kind.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

namespace avss::tools {
namespace {

using plane = dlib::array2d<unsigned char>;

// The detector's window: smaller faces are not found.
constexpr double window = 80;  // pixels
// Around a known face its box is brought to this height, so that two steps of the detector's pyramid surround it.
constexpr double near_height = 100;
// A face may leave the place where it was by half of its size.
constexpr double near_margin = 0.5;
// Where a face is known to be, one that the detector is less sure of is taken.
constexpr double near_threshold = -0.35;

struct region {
  long left, top, width, height;
};

// dlib's pictures share no memory with ours.
plane copy_of(const grey_picture& p, const region& r) {
  plane out(r.height, r.width);
  for (long y = 0; y < r.height; ++y)
    std::memcpy(&out[y][0], p.pixels.data() + static_cast<std::size_t>(r.top + y) * p.width + r.left,
                static_cast<std::size_t>(r.width));
  return out;
}

// Means of two by two pixels.
plane halved(const plane& p) {
  plane out(p.nr() / 2, p.nc() / 2);
  for (long y = 0; y < out.nr(); ++y)
    for (long x = 0; x < out.nc(); ++x) {
      const int sum = p[2 * y][2 * x] + p[2 * y][2 * x + 1] + p[2 * y + 1][2 * x] + p[2 * y + 1][2 * x + 1];
      out[y][x] = static_cast<unsigned char>((sum + 2) / 4);
    }
  return out;
}

// Halved as often as it must be, so that fine patterns do not fold; then bilinear.
plane scaled(plane p, double factor) {
  for (; factor <= 0.5 && p.nr() >= 2 && p.nc() >= 2; factor *= 2) {
    plane half = halved(p);
    p.swap(half);
  }
  if (std::abs(factor - 1) < 0.02) return p;
  plane out(std::max(1l, std::lround(static_cast<double>(p.nr()) * factor)),
            std::max(1l, std::lround(static_cast<double>(p.nc()) * factor)));
  dlib::resize_image(p, out);
  return out;
}

region all_of(const grey_picture& p) { return {0, 0, static_cast<long>(p.width), static_cast<long>(p.height)}; }

region around(const grey_picture& p, const face_box& f) {
  const long left = std::max(0l, std::lround(f.left - near_margin * f.width));
  const long top = std::max(0l, std::lround(f.top - near_margin * f.height));
  const long right = std::min(static_cast<long>(p.width), std::lround(f.left + (1 + near_margin) * f.width));
  const long bottom = std::min(static_cast<long>(p.height), std::lround(f.top + (1 + near_margin) * f.height));
  return {left, top, right - left, bottom - top};
}

class dlib_faces final : public face_finder {
 public:
  explicit dlib_faces(const std::string& file) : detector_(dlib::get_frontal_face_detector()) {
    if (path_kind(file) == std::filesystem::file_type::not_found)
      fail(file, ": there is no such model of landmarks; install Debian's libdlib-data, or give another, landmark_model=FILE");
    std::ifstream in(file, std::ios::binary);
    try {
      dlib::deserialize(model_, in);
    } catch (const std::exception&) {
      fail(file,
           ": is no model of landmarks that dlib can read; expected a shape_predictor of 68 points, such as Debian's "
           "libdlib-data has");
    }
    if (model_.num_parts() != 68)
      fail(file, ": is a model of ", model_.num_parts(), " landmarks, expected one of the 68 of iBUG's faces");
  }

  std::vector<face_box> find(const grey_picture& picture, double smallest) override {
    return detect(picture, all_of(picture), window / smallest, 0);
  }

  std::vector<face_box> find_near(const grey_picture& picture, const face_box& near) override {
    const region r = around(picture, near);
    if (r.width < 8 || r.height < 8) return {};
    return detect(picture, r, near_height / near.height, near_threshold);
  }

  landmarks68 landmarks(const grey_picture& picture, const face_box& face) override {
    const dlib::rectangle box(std::lround(face.left), std::lround(face.top), std::lround(face.left + face.width) - 1,
                              std::lround(face.top + face.height) - 1);
    // As much of the picture as the model may look at; beyond it points count as black either way.
    const face_box wide{face.left - face.width / 2, face.top - face.height / 2, 2 * face.width, 2 * face.height, 0};
    const region r = around(picture, wide);
    const plane part = copy_of(picture, r);
    const dlib::full_object_detection shape = model_(part, dlib::translate_rect(box, dlib::point(-r.left, -r.top)));
    landmarks68 points;
    for (unsigned long i = 0; i < 68; ++i)
      points[i] = {static_cast<double>(shape.part(i).x() + r.left), static_cast<double>(shape.part(i).y() + r.top)};
    return points;
  }

 private:
  std::vector<face_box> detect(const grey_picture& picture, const region& r, double factor, double threshold) {
    const plane part = scaled(copy_of(picture, r), factor);
    const double sx = static_cast<double>(r.width) / static_cast<double>(part.nc());
    const double sy = static_cast<double>(r.height) / static_cast<double>(part.nr());
    std::vector<std::pair<double, dlib::rectangle>> found;
    detector_(part, found, threshold);
    std::vector<face_box> boxes;
    for (const auto& [score, b] : found)
      boxes.push_back({static_cast<double>(r.left) + sx * static_cast<double>(b.left()),
                       static_cast<double>(r.top) + sy * static_cast<double>(b.top()), sx * static_cast<double>(b.width()),
                       sy * static_cast<double>(b.height()), score});
    return boxes;
  }

  dlib::frontal_face_detector detector_;
  dlib::shape_predictor model_;
};

}  // namespace

std::unique_ptr<face_finder> make_dlib_faces(const std::string& landmark_model) {
  return std::make_unique<dlib_faces>(landmark_model);
}

}  // namespace avss::tools
