// Sizes of what an audio-visual network is given.
#pragma once

#include <avss/core/shape.hpp>

namespace avss {

// How many and how long: `batch` mixtures of `length` samples, `faces` faces in each, seen for `video_frames` frames.
struct av_size {
  dim_t batch = 1, length = 0, faces = 1, video_frames = 0;
};

}  // namespace avss
