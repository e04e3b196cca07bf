// A lip-reading encoder without weights, for tests of what surrounds it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tools/models/lip_embedder.hpp"

namespace avss::testing {

// Every feature of a frame is the middle value of the picture, plus half of those of the two frames on either side; beyond the
// clip they are zero. Remembers the lengths that it was given.
class middle_embedder final : public tools::lip_embedder {
 public:
  explicit middle_embedder(double neighbours = 0.5) : neighbours_(neighbours) {}
  image_curve activation() const override { return image_curve::swish; }
  dim_t parameters() const override { return 1; }
  lip_weights_report load(const loaded_weights&, const std::string&) override { return {}; }
  void draw(std::uint64_t) override {}
  void save(const std::string&, std::vector<std::pair<std::string, std::string>>) override {}
  std::uint64_t hash() const override { return 1; }
  void prepare(dim_t side, bool) override { side_ = side; }
  std::vector<float> embed(std::span<const float> clip, int) override {
    const dim_t frames = static_cast<dim_t>(clip.size()) / (side_ * side_);
    lengths.push_back(frames);
    std::vector<float> y(static_cast<std::size_t>(features * frames));
    for (dim_t t = 0; t < frames; ++t) {
      double sum = 0;
      for (dim_t u = std::max<dim_t>(0, t - 2); u < std::min(frames, t + 3); ++u)
        sum += (u == t ? 1 : neighbours_) * clip[static_cast<std::size_t>((u * side_ + side_ / 2) * side_ + side_ / 2)];
      for (dim_t c = 0; c < features; ++c) y[static_cast<std::size_t>(c * frames + t)] = static_cast<float>(sum);
    }
    return y;
  }
  void calibrate(std::span<const float>, dim_t, dim_t) override {}

  std::vector<dim_t> lengths;

 private:
  double neighbours_;
  dim_t side_ = 88;
};

}  // namespace avss::testing
