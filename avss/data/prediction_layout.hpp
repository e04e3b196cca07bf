// Where estimates and their ground truth lie on disk, for scoring:
//   <truth>/{mix,s1,s2,...}/<name>.<ext>        or <truth>/audio/{mix,s1,s2,...}, a data set without partitions
//   <predictions>/{s1,s2,...}/<name>.<ext>      or <predictions>/inf/{s1,s2,...}, where infer put them
// Files of one name belong together, whatever the extension.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace avss {

struct prediction_item {
  std::string name;
  std::filesystem::path mixture;
  std::vector<std::filesystem::path> targets, estimates;  // s1, s2, ... of either
};

struct prediction_list {
  std::filesystem::path truth, predictions;    // the folders that hold mix/, s1/, ... and s1/, ...
  std::size_t sources = 0;                     // of each item
  std::vector<prediction_item> items;          // by name, in the order of the bytes
  std::vector<std::string> left_out;           // names that are not in all folders
  std::vector<std::filesystem::path> skipped;  // files whose extension is none of an audio format's
};

enum class name_rule {
  equal,        // all folders must hold the same names
  intersection  // names that are in all folders are taken
};

namespace detail {

// The folder itself if it holds `part`, else the one within that usually does.
inline std::filesystem::path folder_with(const std::filesystem::path& folder, const char* part, const char* within,
                                         const char* what) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    // What lies in the system's root is no hint.
    const bool beside =
        std::filesystem::is_directory(folder.parent_path(), ignored) && folder.parent_path().has_relative_path();
    fail(folder.string(), ": no such folder", beside ? ", found " + folders_in(folder.parent_path()) + " beside it" : "",
         "; expected ", what);
  }
  for (const std::filesystem::path& p : {folder, folder / within})
    if (std::filesystem::is_directory(p / part, ignored)) return p;
  const bool inside = std::filesystem::is_directory(folder / within, ignored);
  const std::filesystem::path looked = inside ? folder / within : folder;
  fail(looked.string(), ": has no ", part, "/, found ", folders_in(looked), "; expected ", what);
}

// "s1, s2"
inline std::string source_folders(std::size_t count) {
  std::string text;
  for (std::size_t s = 1; s <= count; ++s) text += (s > 1 ? ", " : "") + source_folder_name(s);
  return text;
}

// All files of a prediction_list's folders, by name.
struct prediction_files {
  files_by_name mixtures;
  std::vector<files_by_name> sources;  // targets s1, s2, ..., estimates s1, s2, ...
  std::string mismatches;              // "; mix without prediction s2: a, b"; empty if all names agree

  explicit prediction_files(prediction_list& list) : mixtures(list_audio_files(list.truth / "mix", list.skipped)) {
    for (const auto& [folder, of] : {std::pair(list.truth, "ground truth "), std::pair(list.predictions, "prediction ")})
      for (std::size_t s = 1; s <= list.sources; ++s) {
        const std::string part = source_folder_name(s), title = of + part;
        sources.push_back(list_audio_files(folder / part, list.skipped));
        mismatches += names_missing(mixtures, sources.back(), "mix without " + title);
        mismatches += names_missing(sources.back(), mixtures, title + " without mix");
      }
  }

  // Items of the names that are in all folders; the others are left out.
  void pair_up(prediction_list& list) const {
    files_by_name all = mixtures;
    for (const files_by_name& set : sources) all.insert(set.begin(), set.end());
    for (const auto& [name, path] : all) {
      const auto has_it = [&n = name](const files_by_name& set) { return set.contains(n); };
      if (!has_it(mixtures) || !std::all_of(sources.begin(), sources.end(), has_it)) {
        list.left_out.push_back(name);
        continue;
      }
      prediction_item item{name, mixtures.at(name), {}, {}};
      for (std::size_t i = 0; i < sources.size(); ++i)
        (i < list.sources ? item.targets : item.estimates).push_back(sources[i].at(name));
      list.items.push_back(std::move(item));
    }
  }
};

}  // namespace detail

// Throws error, of one line, if a folder is missing or empty, if the predictions are of another number of sources than the
// ground truth, and if the names differ (with name_rule::intersection: if none is in all folders).
inline prediction_list list_predictions(const std::filesystem::path& truth, const std::filesystem::path& predictions,
                                        name_rule rule = name_rule::equal) {
  prediction_list list;
  list.truth = detail::folder_with(truth, "mix", "audio", "a folder with mix/, s1/, s2/, such as DATASET/audio/PARTITION");
  list.predictions = detail::folder_with(predictions, "s1", "inf", "a folder with s1/, s2/, as infer writes it");
  list.sources = detail::count_source_folders(list.truth);
  if (list.sources == 0)
    fail(list.truth.string(), ": has no ground truth, found ", detail::folders_in(list.truth),
         "; expected s1/, s2/ beside mix/");
  if (const std::size_t found = detail::count_source_folders(list.predictions); found != list.sources)
    fail(list.predictions.string(), ": has ", detail::source_folders(found), " where the ground truth ", list.truth.string(),
         " has ", detail::source_folders(list.sources), "; score the results of a network for as many sources");

  const detail::prediction_files files(list);
  if (!files.mismatches.empty() && rule == name_rule::equal)
    fail(list.predictions.string(), " and ", list.truth.string(), ": files do not match by name", files.mismatches);
  files.pair_up(list);
  if (list.items.empty())
    fail(list.predictions.string(), " and ", list.truth.string(), ": have no name in common", files.mismatches);
  std::sort(list.skipped.begin(), list.skipped.end());
  return list;
}

}  // namespace avss
