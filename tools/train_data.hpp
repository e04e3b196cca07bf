// From a configuration's `datasets` section to what a training run is fed with.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/mouth_folder.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/missing_embeddings.hpp"

namespace avss::tools {

// What a network takes.
struct item_needs {
  int sample_rate;           // Hz
  dim_t sources;             // targets of a mixture
  dim_t video_channels = 0;  // features of each target's face in a video frame; 0: sound alone
};

// One key of the section.
struct item_part {
  std::string name;
  std::unique_ptr<const item_source> items;
  bool repeats = false;  // items beyond its number are the same ones again
};

struct train_sources {
  item_part train;                // numbered without end
  std::int64_t epoch_items = 0;   // of a fixed set; 0: the items are endless
  std::vector<item_part> others;  // fixed sets, to evaluate on: val, and whatever else the section has
  std::string about;              // what was found, for people: one line for each part
};

// The mixtures on disk whose faces training and evaluations are going to read. Throws error.
std::vector<seen_mixtures> list_seen_mixtures(const config::settings& s);

// `threads` look into the files. With an encoder, faces are seen through it; otherwise their embeddings are read. Throws error.
train_sources make_train_sources(const config::settings& s, const item_needs& needs, std::uint64_t seed, int threads,
                                 const std::optional<mouth_encoder>& encoder = std::nullopt);

}  // namespace avss::tools
