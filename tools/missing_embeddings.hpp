// Lip embeddings made where they are needed: by training and inference, of the mouths of their data sets.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/core/shape.hpp>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "tools/video_encoder.hpp"

namespace avss::tools {

// Mixtures whose faces are going to be read.
struct seen_mixtures {
  std::filesystem::path dataset;
  std::vector<std::string> names;  // ID1_ID2...
};

// With video_encoder.prepare_embeddings, completes the folders of embeddings by those of the mixtures' faces that are missing
// there and whose mouths are there. Where there are none, the encoder is not even looked for, nor is it for a network that
// reads another number of features than encoders give; a face without either file is for whoever reads it to complain of.
// `before` is told how embeddings are going to be made, before any is. Returns 0; what run_embed returned where it failed or
// was interrupted. Throws avss::error, which says how to go on where the encoder is not to be had.
int make_missing_embeddings(const config::settings& s, const std::vector<seen_mixtures>& sets, dim_t features, int threads,
                            std::ostream& out, std::ostream& err,
                            const std::function<void(const video_encoder_config&)>& before = {});

}  // namespace avss::tools
