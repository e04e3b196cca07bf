// Crops of mouths to embeddings, a folder of them.
#pragma once

#include <avss/data/mouth_clip.hpp>
#include <filesystem>
#include <iosfwd>
#include <set>
#include <string>
#include <vector>

#include "tools/embed_manifest.hpp"
#include "tools/models/lip_embedder.hpp"

namespace avss::tools {

struct mouth_file {
  std::string id;  // the file's name without its ending
  std::filesystem::path path;
};

// The npz, npy, pt files of a folder that are not hidden, by name; `skipped` others. Throws avss::error where there are none,
// or two of one name.
std::vector<mouth_file> list_mouths(const std::filesystem::path& folder, std::size_t& skipped);

struct embed_options {
  std::filesystem::path mouths, embeddings;
  std::set<std::string> only;      // these clips, by their names; empty: all
  std::string mouth_key = "data";  // of npz archives
  std::string format = "pt";       // of the results: pt, npy or npz
  lip_preprocessing preprocessing = lip_preprocessing::lrw;
  bool batch_statistics = false;
  bool overwrite = false;
  int threads = 1;
  bool terminal = false;  // err is one
};

// Makes the folder for the embeddings. Throws avss::error where it holds the mouths, or embeddings without a manifest.
void make_embedding_folder(const embed_options& options);

// How the embeddings are made, for the manifest.
embedding_manifest::description describe(const embed_options& options, const lip_embedder& encoder);

// Writes EMBEDDINGS/ID.FORMAT, float32 [512, frames], for every clip of MOUTHS that has none yet, or whose crops changed since.
// The encoder has as many workers as the options threads, and its weights; it is prepared here. Returns 0; 1 where clips
// failed, each with its line on `err`; 130 if it was interrupted. Throws avss::error where nothing can be done.
int run_embed(const embed_options& options, lip_embedder& encoder, std::ostream& out, std::ostream& err);

}  // namespace avss::tools
