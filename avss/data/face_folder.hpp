// The lip embeddings of a data set, mixture by mixture: video_embeddings/<id>.{npz,npy,pt}.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/face_layout.hpp>
#include <avss/data/face_source.hpp>
#include <avss/data/lip_embedding.hpp>
#include <avss/io/path_kind.hpp>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace avss {

// Files are read each time that they are asked for.
class face_folder final : public face_source {
 public:
  // Throws error where there is no such folder.
  face_folder(std::filesystem::path folder, dim_t channels, int rate) : face_source(std::move(folder), channels, rate) {
    if (!is_folder(this->folder()))
      fail(this->folder().string(), ": no such folder, and the network sees faces; make their lip embeddings of mouths/ with ",
           "bazel run //tools:embed -- video_encoder.dataset_path=", this->folder().parent_path().string());
  }

  dim_t frames_in(const std::filesystem::path& file) const override { return read_lip_embedding(file, channels()).frames; }

  void read(const std::filesystem::path& file, dim_t samples, const std::filesystem::path& mixture, dim_t first,
            const std::optional<random_stream>&, std::span<float> out) const override {
    const lip_embedding e =
        fit_to_audio(read_lip_embedding(file, channels()), samples, rate(), file.string(), mixture.string());
    const dim_t frames = static_cast<dim_t>(out.size()) / channels();
    for (dim_t c = 0; c < channels(); ++c)
      for (dim_t t = 0; t < frames; ++t)
        out[static_cast<std::size_t>(c * frames + t)] =
            e.values[static_cast<std::size_t>(c * e.frames + std::clamp<dim_t>(first + t, 0, e.frames - 1))];
  }

 private:
  std::filesystem::path find_one(const std::string& id, const std::string& mixture) const override {
    return find_face(folder(), id, mixture);
  }
};

}  // namespace avss
