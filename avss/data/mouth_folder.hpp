// The mouths of a data set, mouths/<id>.{npz,npy,pt}, seen through an encoder each time that they are asked for.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/face_layout.hpp>
#include <avss/data/face_source.hpp>
#include <avss/data/mouth_clip.hpp>
#include <avss/io/path_kind.hpp>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

// A frozen encoder. encode(clip) takes [frames, 88, 88], normalised, and gives [channels, frames]; several threads call it at
// once.
struct mouth_encoder {
  std::function<std::vector<float>(std::span<const float> clip)> encode;
  dim_t channels = 0;
  dim_t context = 2;               // frames on each side that a frame's features are made of
  bool sees_all = false;           // features depend on the whole clip: it is always encoded whole
  bool varied = true;              // mouths are varied where items are
  std::string mouth_key = "data";  // of npz archives
};

// What varies a mouth: the crop and the mirror image, alike for all frames.
inline mouth_crop draw_crop(const mouth_clip& clip, const random_stream& draw) {
  const auto place = [&](dim_t room, std::uint64_t index) {
    return static_cast<dim_t>(draw.below(static_cast<std::uint64_t>(room) + 1, index));
  };
  return {place(clip.height - lrw_side, 0), place(clip.width - lrw_side, 1), draw.below(2, 2) == 1};
}

class mouth_folder final : public face_source {
 public:
  // Throws error where there is no such folder.
  mouth_folder(std::filesystem::path folder, mouth_encoder encoder, int rate)
      : face_source(std::move(folder), encoder.channels, rate), encoder_(std::move(encoder)) {
    if (!is_folder(this->folder()))
      fail(this->folder().string(),
           ": no such folder; expected crops of mouths, ID.npz, which the encoder sees while training");
  }

  dim_t frames_in(const std::filesystem::path& file) const override {
    return read_mouth_clip(file.string(), encoder_.mouth_key).frames;
  }

  // With `draw`, unless the encoder wants them as they are, the 88 x 88 pixels that are seen are drawn, and so is whether they
  // are mirrored; otherwise they are the centre.
  void read(const std::filesystem::path& file, dim_t samples, const std::filesystem::path& mixture, dim_t first,
            const std::optional<random_stream>& draw, std::span<float> out) const override {
    const mouth_clip clip = read_mouth_clip(file.string(), encoder_.mouth_key);
    check(file, clip.frames, samples, mixture);
    const dim_t frames = static_cast<dim_t>(out.size()) / channels(), last = std::min(clip.frames, frames_of(samples)) - 1;
    const auto seen = [&](dim_t t) { return std::clamp<dim_t>(first + t, 0, last); };
    // The stretch that the features are made of.
    const dim_t begin = encoder_.sees_all ? 0 : std::max<dim_t>(0, seen(0) - encoder_.context);
    const dim_t end = encoder_.sees_all ? clip.frames : std::min(clip.frames, seen(frames - 1) + encoder_.context + 1);
    const mouth_crop crop = draw && encoder_.varied ? draw_crop(clip, *draw) : centre_crop(clip, lrw_side);
    const std::vector<float> y = encoder_.encode(lrw_frames(clip, crop, begin, end));
    for (dim_t c = 0; c < channels(); ++c)
      for (dim_t t = 0; t < frames; ++t)
        out[static_cast<std::size_t>(c * frames + t)] = y[static_cast<std::size_t>(c * (end - begin) + seen(t) - begin)];
  }

 private:
  std::filesystem::path find_one(const std::string& id, const std::string& mixture) const override {
    const std::vector<std::filesystem::path> found = face_files(folder(), id);
    if (found.size() != 1)
      fail(folder().string(), ": has ", found.empty() ? "no" : "more than one", " clip of a mouth ",
           id.empty() ? "for an empty id" : id + ".npz, .npy or .pt", ", a face of ", mixture,
           "; mixtures are named ID1_ID2, and crops of mouths by the same names");
    return found[0];
  }

  mouth_encoder encoder_;
};

}  // namespace avss
