// A mixture whose speakers come and go: long_form's view of an audio-visual network where faces are seen for a while.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/dsp/video_frames.hpp>
#include <avss/model/av_separator.hpp>
#include <avss/model/seen_mixture.hpp>
#include <avss/model/separator.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// A face's features [channels, frames] from a frame of the mixture on.
struct passing_face {
  dim_t first = 0;
  std::vector<float> features;
};

// The voice of every face while it is seen, and silence while it is not. Faces that are seen from the same frame to the same
// frame are separated together, so that what does not depend on them is computed once.
class passing_faces final : public part_separator {
 public:
  // The network must outlive this. Throws error as seen_mixture does.
  passing_faces(av_separator& network, std::vector<passing_face> faces) {
    if (faces.empty()) fail(network.info().name, " separates by faces, and none is given");
    std::map<std::pair<dim_t, std::size_t>, std::vector<std::size_t>> together;
    for (std::size_t i = 0; i < faces.size(); ++i) together[{faces[i].first, faces[i].features.size()}].push_back(i);
    for (const auto& [when, members] : together) {
      std::vector<std::vector<float>> features;
      for (std::size_t i : members) features.push_back(std::move(faces[i].features));
      const dim_t frames = static_cast<dim_t>(when.second) / network.video_channels();
      groups_.push_back({first_sample(when.first, network), first_sample(when.first + frames, network), members,
                         std::make_unique<seen_mixture>(network, std::move(features))});
    }
    info_ = groups_[0].network->info();
    info_.sources = static_cast<int>(faces.size());
  }

  const separator_info& info() const override { return info_; }

  void separate_part(dim_t start, std::span<const float> mixture, std::span<float> voices) override {
    std::fill(voices.begin(), voices.end(), 0.f);
    const dim_t end = start + static_cast<dim_t>(mixture.size());
    for (group& g : groups_) {
      const dim_t from = std::max(start, g.from), to = std::min(end, g.to);
      if (from >= to) continue;
      const std::size_t n = static_cast<std::size_t>(to - from), skipped = static_cast<std::size_t>(from - start);
      seen_.resize(g.members.size() * n);
      g.network->separate_part(from - g.from, mixture.subspan(skipped, n), seen_);
      for (std::size_t i = 0; i < g.members.size(); ++i)
        std::copy_n(seen_.begin() + static_cast<std::ptrdiff_t>(i * n), n,
                    voices.begin() + static_cast<std::ptrdiff_t>(g.members[i] * mixture.size() + skipped));
    }
  }

 private:
  struct group {
    dim_t from = 0, to = 0;            // samples of the mixture
    std::vector<std::size_t> members;  // faces
    std::unique_ptr<seen_mixture> network;
  };

  static dim_t first_sample(dim_t frame, const av_separator& network) {
    return frame * network.info().sample_rate / lip_frame_rate;
  }

  separator_info info_;
  std::vector<group> groups_;
  std::vector<float> seen_;
};

}  // namespace avss
