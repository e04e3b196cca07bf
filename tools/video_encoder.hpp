// The section video_encoder of a configuration.
#pragma once

#include <avss/config/interpolation.hpp>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "tools/embed_job.hpp"
#include "tools/models/device.hpp"

namespace avss::tools {

struct video_encoder_config {
  embed_options embed;
  image_curve activation = image_curve::swish;
  std::string weights;                       // a file; empty: drawn
  std::optional<std::uint64_t> random_seed;  // of an encoder that nobody trained
  dim_t calibration_clips = 0;
  compute on;  // video_encoder.device and .precision
};

// Where the mouths and the embeddings of a data set lie: video_encoder.mouths and video_encoder.embeddings, or folders in
// video_encoder.dataset_path, or, where that is not given either, in the data set's own. Sections need not be there.
struct face_folders {
  std::filesystem::path mouths, embeddings;
};
face_folders folders_of_faces(const config::settings& s, const std::filesystem::path& dataset = {});

// `dataset` stands where video_encoder.dataset_path is null. Throws avss::error, one line that names the key.
video_encoder_config read_video_encoder(const config::settings& s, int threads, bool terminal,
                                        const std::filesystem::path& dataset = {});

// The encoder with its weights: read, or drawn, its statistics made of the clips, and kept as EMBEDDINGS/encoder.safetensors,
// which is taken when it is there already. Says on `out` what it is, and on `err` what it assumes and what it leaves aside.
std::unique_ptr<lip_embedder> make_encoder(const video_encoder_config& c, std::ostream& out, std::ostream& err);

// Where nothing is to be made: says on `err` if what is there is of an encoder drawn by another seed than that which is asked
// for.
void warn_of_another_encoder(const config::settings& s, const std::filesystem::path& embeddings, std::ostream& err);

}  // namespace avss::tools
