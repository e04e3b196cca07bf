// Crops of a mouth, one after another, to their embedding.
#pragma once

#include <avss/data/mouth_clip.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tools/models/lip_embedder.hpp"

namespace avss::tools {

// With running statistics and the preprocessing lrw a frame's features depend on two frames on either side: the clip goes
// through the encoder in pieces, and only a piece's crops are held. Otherwise all of them are, until the end: 9 KB a frame.
class mouth_embedder {
 public:
  static constexpr dim_t context = 2, piece = 250;  // frames

  // The encoder is prepared already and must outlive this.
  mouth_embedder(lip_embedder& encoder, lip_preprocessing how, bool batch_statistics)
      : encoder_(encoder), how_(how), in_pieces_(how == lip_preprocessing::lrw && !batch_statistics) {}

  // crop: uint8 [96, 96]
  void take(std::span<const std::uint8_t> crop) {
    held_.pixels.insert(held_.pixels.end(), crop.begin(), crop.end());
    ++held_.frames;
    if (in_pieces_ && held_.frames == before_ + piece + context) embed(context);
  }

  // [512, frames]; nothing may be taken after it.
  std::vector<float> finish() {
    if (held_.frames > before_) embed(0);
    const std::size_t frames = rows_.size() / lip_embedder::features;
    std::vector<float> y(rows_.size());
    for (std::size_t t = 0; t < frames; ++t)
      for (std::size_t c = 0; c < lip_embedder::features; ++c) y[c * frames + t] = rows_[t * lip_embedder::features + c];
    return y;
  }

 private:
  // All frames held but the first before_, which were there for context, and the last `after`.
  void embed(dim_t after) {
    const std::vector<float> y = encoder_.embed(preprocess(held_, how_), 0);
    for (dim_t t = before_; t < held_.frames - after; ++t)
      for (dim_t c = 0; c < lip_embedder::features; ++c) rows_.push_back(y[static_cast<std::size_t>(c * held_.frames + t)]);
    const dim_t kept = std::min(held_.frames, after + context);
    held_.pixels.erase(held_.pixels.begin(), held_.pixels.end() - static_cast<std::ptrdiff_t>(kept * mouth_side * mouth_side));
    held_.frames = kept;
    before_ = kept - after;
  }

  lip_embedder& encoder_;
  lip_preprocessing how_;
  bool in_pieces_;
  mouth_clip held_{0, mouth_side, mouth_side, {}};
  dim_t before_ = 0;         // frames of held_ whose features are there already
  std::vector<float> rows_;  // [frames, 512]
};

}  // namespace avss::tools
