// The lip embeddings of a data set, mixture by mixture: video_embeddings/<id>.{npz,npy,pt}.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/face_layout.hpp>
#include <avss/data/lip_embedding.hpp>
#include <avss/dsp/video_frames.hpp>
#include <avss/io/path_kind.hpp>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

// Files are read each time that they are asked for.
class face_folder {
 public:
  // `rate` in Hz is that of the samples below. Throws error where there is no such folder, and for rates at which video frames
  // do not begin with a sample.
  face_folder(std::filesystem::path folder, dim_t channels, int rate)
      : folder_(std::move(folder)), channels_(channels), rate_(rate) {
    if (channels < 1) fail("a face cannot have ", channels, " features");
    if (rate < 1 || rate % lip_frame_rate != 0)
      fail("video of ", lip_frame_rate, " frames a second is given with sound of ", rate, " Hz; a multiple of ", lip_frame_rate,
           " is expected");
    if (!is_folder(folder_))
      fail(folder_.string(), ": no such folder, and the network sees faces; make their lip embeddings of mouths/ with ",
           "bazel run //tools:embed -- video_encoder.dataset_path=", folder_.parent_path().string());
  }

  dim_t channels() const { return channels_; }
  dim_t samples_per_frame() const { return rate_ / lip_frame_rate; }
  dim_t frames_of(dim_t samples) const { return lip_frames_of(samples, rate_); }

  // The files of a mixture's faces, one for each of its sources. Throws error.
  std::vector<std::filesystem::path> find(const std::string& mixture, std::size_t sources) const {
    const std::vector<std::string> ids = face_ids(mixture);
    if (ids.size() != sources)
      fail(mixture, ": the name tells ", ids.size(), ids.size() == 1 ? " face" : " faces", " of ", sources,
           " sources; mixtures of faces are named ID1_ID2, with the names of embeddings in ", folder_.string());
    std::vector<std::filesystem::path> files;
    for (const std::string& id : ids) files.push_back(find_face(folder_, id, mixture));
    return files;
  }

  // Frames of a file that must be an embedding. Throws error.
  dim_t frames_in(const std::filesystem::path& file) const { return read_lip_embedding(file, channels_).frames; }

  // Throws error where a file of so many frames and a mixture of `samples` differ by more than two frames.
  void check(const std::filesystem::path& file, dim_t frames, dim_t samples, const std::filesystem::path& mixture) const {
    (void)fit_to_audio({0, frames, {}}, samples, rate_, file.string(), mixture.string());
  }

  // out [channels, frames]: frames first, first + 1, ... of the face in a mixture of `samples`; beyond its ends, the first or
  // the last one. Throws error, also where face and mixture differ in length.
  void read(const std::filesystem::path& file, dim_t samples, const std::filesystem::path& mixture, dim_t first,
            std::span<float> out) const {
    const lip_embedding e = fit_to_audio(read_lip_embedding(file, channels_), samples, rate_, file.string(), mixture.string());
    const dim_t frames = static_cast<dim_t>(out.size()) / channels_;
    for (dim_t c = 0; c < channels_; ++c)
      for (dim_t t = 0; t < frames; ++t)
        out[static_cast<std::size_t>(c * frames + t)] =
            e.values[static_cast<std::size_t>(c * e.frames + std::clamp<dim_t>(first + t, 0, e.frames - 1))];
  }

 private:
  std::filesystem::path folder_;
  dim_t channels_;
  int rate_;
};

}  // namespace avss
