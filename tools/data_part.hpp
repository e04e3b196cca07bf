// What the readers of the parts of a `datasets` section, train and val, have in common.
#pragma once

#include <algorithm>
#include <avss/config/interpolation.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/batch.hpp>
#include <avss/data/face_folder.hpp>
#include <avss/data/face_source.hpp>
#include <avss/data/mouth_folder.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tools/missing_embeddings.hpp"
#include "tools/section.hpp"
#include "tools/train_data.hpp"

namespace avss::tools {

// What a part of the data is made for.
struct data_purpose : item_needs {
  const config::settings& all;
  const std::optional<mouth_encoder>& encoder;
  std::uint64_t seed, run_seed;  // of this part; of the run, which orders fixed sets
  int threads;
  bool training;
};

struct data_part {
  std::unique_ptr<const item_source> items;
  std::string about;
  bool reorders = false;  // numbers its items without end by itself, in a new order every epoch
  bool repeats = false;   // items beyond its number are the same ones again
};

// Seconds to samples.
inline dim_t length_of(const section& s, int rate, const std::string& key = "segment") {
  const double seconds = s.get<double>(key);
  constexpr double least = 0.01, most = 3600;
  if (!(seconds >= least && seconds <= most)) s.wrong(key, "expected seconds from ", least, " to ", most, ", found ", seconds);
  return std::max<dim_t>(1, std::llround(seconds * rate));
}

inline dim_t not_negative(const section& s, const std::string& key, const char* what) {
  constexpr dim_t most = 1'000'000'000;
  const dim_t n = s.get<dim_t>(key, 0);
  if (n < 0 || n > most) s.wrong(key, "expected ", what, " from 0 to ", most, ", found ", n);
  return n;
}

inline dim_t limit_of(const section& s) { return not_negative(s, "limit", "a number of items, or null"); }

// MiB of memory as bytes; null: 1 GiB.
inline std::size_t memory_of(const section& s) {
  return s.has("memory_mb") ? static_cast<std::size_t>(not_negative(s, "memory_mb", "MiB of memory")) << 20
                            : std::size_t{1} << 30;
}

// Whose voices are the targets of an item: true for one of them, tss, false for all, bss.
inline bool one_voice(const section& s, bool fallback) { return s.is("dataset_type", "tss", "bss", fallback); }

// What the faces of a data set are seen through: the encoder, or their embeddings.
inline std::shared_ptr<const face_source> faces_of(const data_purpose& p, const std::string& dataset) {
  const face_folders folders = folders_of_faces(p.all, dataset);
  if (p.encoder) return std::make_shared<mouth_folder>(folders.mouths, *p.encoder, p.sample_rate);
  return std::make_shared<face_folder>(folders.embeddings, p.video_channels, p.sample_rate);
}

}  // namespace avss::tools
