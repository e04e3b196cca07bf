// Pictures of a mouth, as crops of 25 frames a second are stored, and as the lip-reading encoder wants them.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/array_file.hpp>
#include <avss/io/tensor.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace avss {

// Grey values 0 .. 255, [frames, height, width].
struct mouth_clip {
  dim_t frames = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

inline constexpr dim_t mouth_side = 96;  // pixels of a stored crop
inline constexpr dim_t lrw_side = 88;    // of what an encoder of LRW sees

// What a clip goes through before the encoder.
enum class lip_preprocessing {
  lrw,       // the centre, 88 x 88; (value / 255 - 0.421) / 0.165, as the published encoders were trained
  reference  // all of it; less the clip's mean, by its standard deviation, as the reference project does
};

namespace detail {

// Red, green, blue to grey with the weights of ITU-R BT.601, rounded as OpenCV does.
inline std::uint8_t grey(std::uint8_t r, std::uint8_t g, std::uint8_t b) {
  return static_cast<std::uint8_t>((4899 * r + 9617 * g + 1868 * b + (1 << 13)) >> 14);
}

}  // namespace detail

// A clip out of an npz archive (its array `key`), an npy or a PyTorch file with one tensor: uint8 [frames, 96, 96], or
// [frames, 96, 96, 3] in colour (red first), or [frames, 1, 96, 96]; frames that are 88 x 88 already are taken, too. Throws
// avss::error, one line that starts with the path.
inline mouth_clip read_mouth_clip(const std::string& path, const std::string& key = "data") {
  const tensor t = read_array(path, key);
  std::vector<dim_t> shape = t.shape;
  if (shape.size() == 4 && shape[1] == 1) shape.erase(shape.begin() + 1);
  const bool colour = shape.size() == 4 && shape[3] == 3;
  const bool fits = (shape.size() == 3 || colour) && shape[1] == shape[2] && (shape[1] == mouth_side || shape[1] == lrw_side);
  if (t.type != dtype::u8 || !fits)
    fail(path, ": not a clip of a mouth: expected uint8 [frames, 96, 96], found ", name_of(t.type), " ", shape_string(t.shape),
         "; crop it to 96 x 96 grey values 0 to 255");
  if (shape[0] < 1) fail(path, ": an empty clip, ", shape_string(t.shape), ": at least one frame is needed; crop it again");
  mouth_clip clip{shape[0], shape[1], shape[2], {}};
  clip.pixels.resize(static_cast<std::size_t>(clip.frames * clip.height * clip.width));
  const auto* from = reinterpret_cast<const std::uint8_t*>(t.bytes.data());
  for (std::size_t i = 0; i < clip.pixels.size(); ++i)
    clip.pixels[i] = colour ? detail::grey(from[3 * i], from[3 * i + 1], from[3 * i + 2]) : from[i];
  return clip;
}

// Pixels along each side after the preprocessing.
inline dim_t side_after(lip_preprocessing how) { return how == lip_preprocessing::lrw ? lrw_side : mouth_side; }

// Where the pixels that are seen lie in every frame of a clip, and whether left and right change places.
struct mouth_crop {
  dim_t top = 0, left = 0;
  bool mirrored = false;

  friend bool operator==(const mouth_crop&, const mouth_crop&) = default;
};
inline mouth_crop centre_crop(const mouth_clip& clip, dim_t side) {
  return {(clip.height - side) / 2, (clip.width - side) / 2, false};
}

namespace detail {

// (value - mean) / scale of side x side pixels of frames [begin, end), as a table of the 256 values.
inline std::vector<float> normalised(const mouth_clip& clip, const mouth_crop& crop, dim_t side, dim_t begin, dim_t end,
                                     double mean, double scale) {
  float table[256];
  for (int v = 0; v < 256; ++v) table[v] = static_cast<float>((v / 255. - mean) / scale);
  std::vector<float> x;
  x.reserve(static_cast<std::size_t>((end - begin) * side * side));
  for (dim_t t = begin; t < end; ++t)
    for (dim_t h = 0; h < side; ++h) {
      const std::uint8_t* const row = clip.pixels.data() + ((t * clip.height + crop.top + h) * clip.width + crop.left);
      for (dim_t w = 0; w < side; ++w) x.push_back(table[row[crop.mirrored ? side - 1 - w : w]]);
    }
  return x;
}

}  // namespace detail

// Frames [begin, end) as the encoders of LRW see them, [frames, 88, 88]; the crop lies within the clip.
inline std::vector<float> lrw_frames(const mouth_clip& clip, const mouth_crop& crop, dim_t begin, dim_t end) {
  return detail::normalised(clip, crop, lrw_side, begin, end, 0.421, 0.165);
}

// What the encoder sees, [frames, side, side]. Throws error where the clip is too small.
inline std::vector<float> preprocess(const mouth_clip& clip, lip_preprocessing how) {
  const dim_t side = side_after(how);
  if (clip.height < side || clip.width < side)
    fail("frames of ", clip.height, " x ", clip.width, " pixels, and this preprocessing needs ", side, " x ", side,
         "; crop the mouths to 96 x 96, or choose preprocessing lrw");
  const mouth_crop centre = centre_crop(clip, side);
  if (how == lip_preprocessing::lrw) return lrw_frames(clip, centre, 0, clip.frames);
  // Over the whole clip; the variance is unbiased.
  const double n = static_cast<double>(clip.pixels.size());
  std::int64_t sum = 0, squares = 0;
  for (std::uint8_t v : clip.pixels) {
    sum += v;
    squares += std::int64_t{v} * v;
  }
  const double mean = static_cast<double>(sum) / n;
  const double variance =
      std::max(static_cast<double>(squares) - static_cast<double>(sum) * mean, 0.) / (n - 1) / (255. * 255.);
  return detail::normalised(clip, centre, side, 0, clip.frames, mean / 255, std::max(std::sqrt(variance), 1e-8));
}

}  // namespace avss
