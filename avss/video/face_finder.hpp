// Where faces come from: a detector and a model of landmarks behind a small interface, so that neither tracking nor its tests
// know the library that has them.
#pragma once

#include <avss/video/picture.hpp>
#include <vector>

namespace avss {

class face_finder {
 public:
  virtual ~face_finder() = default;

  // All faces of a picture whose boxes are at least `smallest` pixels high, the surest first.
  virtual std::vector<face_box> find(const grey_picture& picture, double smallest) = 0;
  // Faces about where one was, `near`, and of about its size; unsure ones, too. Cheaper than find().
  virtual std::vector<face_box> find_near(const grey_picture& picture, const face_box& near) = 0;
  virtual landmarks68 landmarks(const grey_picture& picture, const face_box& face) = 0;
};

}  // namespace avss
