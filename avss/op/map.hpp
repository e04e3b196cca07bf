// Extents of maps: what a spectrogram becomes in a network.
#pragma once

#include <avss/core/shape.hpp>

namespace avss::op {

// [batch, channels, frames, bins]; a sequence of vectors, such as video features, has one bin.
struct map_size {
  dim_t batch = 0, channels = 0, frames = 0, bins = 1;

  constexpr dim_t plane() const { return frames * bins; }
  constexpr dim_t size() const { return batch * channels * frames * bins; }
};

}  // namespace avss::op
