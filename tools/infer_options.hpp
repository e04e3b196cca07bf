// What a run of inference is told.
#pragma once

#include <avss/io/audio_reader.hpp>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace avss {

// What brings the estimates to a level; networks trained with a scale-free loss have none of their own.
enum class level_policy {
  mixture,  // least squares jointly over the sources: the estimates sum to the mixture
  peak,     // each estimate's peak is the mixture's
  none      // as the network gives it
};

// Where the faces of a network that needs them are.
struct face_options {
  std::vector<std::filesystem::path> files;  // the embeddings of the one mixture's faces, in the order of the results
  std::filesystem::path folder;              // without files: of embeddings, by the mixtures' names (data/face_layout.hpp)
  std::size_t speakers = 0;                  // how many faces each mixture must have, 0: any number
};

struct infer_options {
  // Either `input`, a file or a folder, or `dataset` and `partition` (see data/mixture_layout.hpp).
  std::filesystem::path input;
  std::filesystem::path dataset;
  std::string partition;
  bool use_truth = true;  // false: ground truth is not looked at
  face_options faces;
  // Results are <save_path>/<key>/{s1,s2,...}/<name>.wav.
  std::filesystem::path save_path;
  std::string key = "inf";
  // Beside an item's own files, what no result may replace: the weights.
  std::vector<std::filesystem::path> protect;

  double window = 10;      // s, see long_form_options
  bool free_level = true;  // whether the network's loss leaves the level free
  level_policy level = level_policy::mixture;
  int target_rate = 0;  // Hz of the results, 0: each file's own. Ground truth is resampled to it, too
  channel_choice channels = channel_choice::first;
};

}  // namespace avss
