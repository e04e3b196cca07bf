// What a data set's mixtures read their faces from.
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/face_layout.hpp>
#include <avss/data/lip_embedding.hpp>
#include <avss/dsp/video_frames.hpp>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

// A folder with a file for each face, out of which features come, 25 times a second. Several threads may read at once.
class face_source {
 public:
  virtual ~face_source() = default;

  const std::filesystem::path& folder() const { return folder_; }
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
    for (const std::string& id : ids) files.push_back(find_one(id, mixture));
    return files;
  }

  // Frames of a file that must be a face. Throws error.
  virtual dim_t frames_in(const std::filesystem::path& file) const = 0;

  // Throws error where a file of so many frames and a mixture of `samples` differ by more than two frames.
  void check(const std::filesystem::path& file, dim_t frames, dim_t samples, const std::filesystem::path& mixture) const {
    (void)fit_to_audio({0, frames, {}}, samples, rate_, file.string(), mixture.string());
  }

  // out [channels, frames]: frames first, first + 1, ... of the face in a mixture of `samples`; beyond its ends, the first or
  // the last one. `draw`, for a source that varies its faces: what it draws from; none for the face as it is. Throws error,
  // also where face and mixture differ in length.
  virtual void read(const std::filesystem::path& file, dim_t samples, const std::filesystem::path& mixture, dim_t first,
                    const std::optional<random_stream>& draw, std::span<float> out) const = 0;

 protected:
  // `rate` in Hz is that of the samples. Throws error for rates at which video frames do not begin with a sample.
  face_source(std::filesystem::path folder, dim_t channels, int rate)
      : folder_(std::move(folder)), channels_(channels), rate_(rate) {
    if (channels < 1) fail("a face cannot have ", channels, " features");
    if (rate < 1 || rate % lip_frame_rate != 0)
      fail("video of ", lip_frame_rate, " frames a second is given with sound of ", rate, " Hz; a multiple of ", lip_frame_rate,
           " is expected");
  }
  int rate() const { return rate_; }

 private:
  virtual std::filesystem::path find_one(const std::string& id, const std::string& mixture) const = 0;

  std::filesystem::path folder_;
  dim_t channels_;
  int rate_;
};

}  // namespace avss
