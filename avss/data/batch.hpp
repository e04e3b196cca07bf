// What a trainer is fed with.
#pragma once

#include <avss/core/shape.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace avss {

// What an item holds of faces beside its sound: features [faces, channels, frames]. Without channels: nothing.
struct video_extent {
  dim_t faces = 0, channels = 0, frames = 0;

  dim_t size() const { return faces * channels * frames; }
  friend bool operator==(const video_extent&, const video_extent&) = default;
};

// Items of one length and rate: mixtures [size, length], targets [size, sources, length] and the features of the faces whose
// voices the targets are, in their order [size, faces, channels, frames].
struct batch {
  dim_t size = 0, sources = 0, length = 0;
  video_extent video;
  std::vector<float> mixtures, targets, features;
};

// Training or evaluation items by number. Item n is a function of the source's seed and of n alone, so that neither the
// number of worker threads nor a resumed run changes what is trained on.
class item_source {
 public:
  virtual ~item_source() = default;

  virtual dim_t sources() const = 0;
  virtual dim_t length() const = 0;     // samples
  virtual int sample_rate() const = 0;  // Hz
  virtual video_extent video() const { return {}; }
  // Items of one evaluation or of one epoch of a fixed data set; 0: endless, made anew for every number.
  virtual dim_t count() const = 0;

  // mixture [length], targets [sources, length]. Called by several threads at once. Throws error.
  virtual void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const = 0;
  // features [video().size()] of the faces of the same item, over the same stretch of time. As make().
  virtual void make_features(std::uint64_t, std::span<float>) const {}
};

// Room for `size` items of the source.
inline void prepare_batch(const item_source& source, dim_t size, batch& b) {
  b.size = size, b.sources = source.sources(), b.length = source.length(), b.video = source.video();
  b.mixtures.resize(static_cast<std::size_t>(size * b.length));
  b.targets.resize(static_cast<std::size_t>(size * b.sources * b.length));
  b.features.resize(static_cast<std::size_t>(size * b.video.size()));
}

// Item n of the source becomes item `row` of a batch that was prepared for it.
inline void make_item(const item_source& source, std::uint64_t n, std::size_t row, batch& b) {
  const auto part = [row](std::vector<float>& all, dim_t size) {
    const std::size_t each = static_cast<std::size_t>(size);
    return std::span(all).subspan(row * each, each);
  };
  source.make(n, part(b.mixtures, b.length), part(b.targets, b.sources * b.length));
  if (b.video.size() > 0) source.make_features(n, part(b.features, b.video.size()));
}

// Items first, first + 1, ..., first + size - 1.
inline void make_batch(const item_source& source, std::uint64_t first, dim_t size, batch& b) {
  prepare_batch(source, size, b);
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) make_item(source, first + i, i, b);
}

}  // namespace avss
