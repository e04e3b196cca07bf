// Between samples of sound and frames of the video that goes with it.
#pragma once

#include <algorithm>
#include <avss/core/shape.hpp>

namespace avss {

constexpr int lip_frame_rate = 25;  // frames of video a second

// The frame nearest to the moment of a sample at `rate` Hz.
inline dim_t lip_frame_at(dim_t sample, int rate) {
  const dim_t seconds = sample / rate, rest = sample % rate;  // the product of all samples might not be countable
  return seconds * lip_frame_rate + (2 * rest * lip_frame_rate + rate) / (2 * dim_t{rate});
}

// Frames of video that last as long as `samples` of audio at `rate` Hz, to the nearest, at least one.
inline dim_t lip_frames_of(dim_t samples, int rate) { return std::max<dim_t>(1, lip_frame_at(samples, rate)); }

}  // namespace avss
