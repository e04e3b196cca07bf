// A mixture whose faces are seen: long_form's view of an audio-visual network.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/dsp/video_frames.hpp>
#include <avss/model/av_separator.hpp>
#include <avss/model/separator.hpp>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// The voices of the faces, in their order, out of any stretch of the mixture: the stretch of the video moves with that of the
// sound, to the nearest frame. A stretch too short for the network is followed by silence, and its video by its last frame, as
// long as the sound.
//
// Holds the faces' features whole (51 KB a second and face of 512 channels) beside what a stretch needs.
class seen_mixture final : public part_separator {
 public:
  // faces: of each the features [channels, frames], at 25 frames a second from the mixture's beginning on. The network must
  // outlive this. Throws error where there is no face or their sizes differ.
  seen_mixture(av_separator& network, std::vector<std::vector<float>> faces) : network_(network), faces_(std::move(faces)) {
    info_ = network.info();
    info_.sources = static_cast<int>(faces_.size());
    info_.ordered = true;
    if (faces_.empty()) fail(info_.name, " separates by faces, and none is given");
    const auto channels = static_cast<std::size_t>(network.video_channels());
    for (const std::vector<float>& face : faces_)
      if (face.empty() || face.size() % channels != 0 || face.size() != faces_[0].size())
        fail("the features of a face have ", face.size(), " values: expected ", channels,
             " channels of as many frames as the others have");
    frames_ = static_cast<dim_t>(faces_[0].size() / channels);
  }

  const separator_info& info() const override { return info_; }

  void separate_part(dim_t start, std::span<const float> mixture, std::span<float> voices) override {
    const dim_t length = static_cast<dim_t>(mixture.size()), sounding = lip_frames_of(length, info_.sample_rate);
    const dim_t least = std::max(network_.shortest_video(), lip_frames_of(network_.shortest_sound(), info_.sample_rate));
    av_size n{1, std::max(length, network_.shortest_sound()), info_.sources, std::max(sounding, least)};
    if (n.video_frames > sounding) n.length = std::max(n.length, n.video_frames * info_.sample_rate / lip_frame_rate);
    const dim_t first = std::min(lip_frame_at(start, info_.sample_rate), std::max<dim_t>(0, frames_ - sounding));
    cut_video(first, std::min(frames_, first + sounding), n.video_frames);
    if (n.length == length) return network_.separate(n, mixture, video_, voices);

    padded_.assign(static_cast<std::size_t>(n.length), 0.f);
    std::copy(mixture.begin(), mixture.end(), padded_.begin());
    voices_.resize(faces_.size() * padded_.size());
    network_.separate(n, padded_, video_, voices_);
    for (std::size_t s = 0; s < faces_.size(); ++s)
      std::copy_n(voices_.begin() + static_cast<std::ptrdiff_t>(s * padded_.size()), mixture.size(),
                  voices.begin() + static_cast<std::ptrdiff_t>(s * mixture.size()));
  }

 private:
  // video_ [faces][channels][frames]: frames [from, to) of all faces, the last one repeated.
  void cut_video(dim_t from, dim_t to, dim_t frames) {
    const dim_t channels = network_.video_channels();
    video_.resize(faces_.size() * static_cast<std::size_t>(channels * frames));
    auto out = video_.begin();
    for (const std::vector<float>& face : faces_)
      for (dim_t c = 0; c < channels; ++c) {
        const auto row = face.begin() + c * frames_;
        const dim_t given = std::min(frames, to - from);
        out = std::copy_n(row + from, given, out);
        out = std::fill_n(out, frames - given, row[from + given - 1]);
      }
  }

  av_separator& network_;
  std::vector<std::vector<float>> faces_;  // [channels, frames_] each
  separator_info info_;
  dim_t frames_ = 0;
  std::vector<float> video_, padded_, voices_;
};

}  // namespace avss
