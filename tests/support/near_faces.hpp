// As fake_faces, for films: an encoder changes grey values by one or two.
#pragma once

#include <avss/video/face_finder.hpp>
#include <cstdint>
#include <vector>

#include "tests/support/fake_faces.hpp"

namespace avss::testing {

// Squares of about 205, 225 and 245 are faces.
class near_faces final : public face_finder {
 public:
  std::vector<face_box> find(const grey_picture& p, double smallest) override { return exact_.find(cleaned(p), smallest); }
  std::vector<face_box> find_near(const grey_picture& p, const face_box& b) override { return exact_.find_near(cleaned(p), b); }
  landmarks68 landmarks(const grey_picture&, const face_box& f) override { return fake_faces::spread(f); }

 private:
  static grey_picture cleaned(grey_picture p) {
    for (std::uint8_t& v : p.pixels) v = v < 195 ? 0 : v < 215 ? 205 : v < 235 ? 225 : 245;
    return p;
  }
  fake_faces exact_;
};

}  // namespace avss::testing
