// Faces and their landmarks by dlib.
#pragma once

#include <avss/video/face_finder.hpp>
#include <memory>
#include <string>

namespace avss::tools {

// Where Debian's libdlib-data puts the model. Its training set, iBUG 300-W, excludes commercial use, says dlib.
inline constexpr const char* dlib_landmark_model = "/usr/share/dlib/shape_predictor_68_face_landmarks.dat";

// dlib's detector of frontal faces (histograms of oriented gradients) and a shape_predictor of 68 landmarks read from a file.
// Not for concurrent use. Throws avss::error where the file is missing, no such model, or one of another number of points.
std::unique_ptr<face_finder> make_dlib_faces(const std::string& landmark_model);

}  // namespace avss::tools
