// Separating files and whole data sets, without the command line around it.
#pragma once

#include <avss/io/audio_reader.hpp>
#include <avss/model/separator.hpp>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace avss {

// What brings the estimates to a level; networks trained with a scale-free loss have none of their own.
enum class level_policy {
  mixture,  // least squares jointly over the sources: the estimates sum to the mixture
  peak,     // each estimate's peak is the mixture's
  none      // as the network gives it
};

constexpr int highest_rate = 768000;  // Hz that results can have

struct infer_options {
  // Either `input`, a file or a folder, or `dataset` and `partition` (see data/mixture_layout.hpp).
  std::filesystem::path input;
  std::filesystem::path dataset;
  std::string partition;
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

// Separates all items in memory bounded by the window, not by their length. A line an item goes to `out`; where there is
// ground truth, so does a table of SI-SNR, SI-SDR and SNR at the end, in the order given and permuted. All results of an
// item appear together when it is complete. An item that fails gives one line on `err`, and the rest goes on.
//
// Returns 0; 1 if an item failed, a line could not be written or nothing could start; 130 when stopped by SIGINT or SIGTERM,
// with whole items only. Throws nothing for bad input.
int run_inference(const infer_options& options, separator& network, std::ostream& out, std::ostream& err);

}  // namespace avss
