// Where mixtures and their ground truth lie on disk:
//   <dataset>/audio/[<partition>/]{mix,s1,s2,...}/<name>.<ext>   files of one name belong together, whatever the extension
//   a plain folder of audio files, or one file                    mixtures without ground truth
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/io/path_kind.hpp>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace avss {

struct mixture_item {
  std::string name;  // the file's, without extension
  std::filesystem::path mixture;
  std::vector<std::filesystem::path> sources;  // s1, s2, ...; empty without ground truth
};

struct mixture_list {
  std::filesystem::path folder;                // that holds mix/, or the files
  std::size_t sources = 0;                     // of each item, 0 without ground truth
  std::vector<mixture_item> items;             // by name, in the order of the bytes
  std::vector<std::filesystem::path> skipped;  // files whose extension is none of an audio format's
};

// "s1" is the folder of the first source.
inline std::string source_folder_name(std::size_t number) { return std::string(1, 's').append(std::to_string(number)); }

namespace detail {

using files_by_name = std::map<std::string, std::filesystem::path>;

inline bool has_audio_extension(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 13> known{".wav",  ".wave", ".w64", ".rf64", ".flac", ".ogg", ".oga",
                                                   ".opus", ".mp3",  ".aif", ".aiff", ".au",   ".caf"};
  std::string extension = file.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(known.begin(), known.end(), extension) != known.end();
}

// The audio files of a folder; hidden files and folders are left out.
inline files_by_name list_audio_files(const std::filesystem::path& folder, std::vector<std::filesystem::path>& skipped) {
  const std::size_t before = skipped.size();
  std::error_code code;
  std::filesystem::directory_iterator entry(folder, code);
  files_by_name files;
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    const std::filesystem::path& path = entry->path();
    std::error_code ignored;
    if (path.filename().string().front() == '.' || entry->is_directory(ignored)) continue;
    if (!has_audio_extension(path)) {
      skipped.push_back(path);
      continue;
    }
    const auto [old, is_new] = files.emplace(path.stem().string(), path);
    if (!is_new) {
      const std::string a = old->second.filename().string(), b = path.filename().string();
      fail(folder.string(), ": holds both ", std::min(a, b), " and ", std::max(a, b), "; keep one file of a name");
    }
  }
  if (code) fail(folder.string(), ": cannot be listed: ", code.message());
  if (files.empty()) {
    if (skipped.size() == before) fail(folder.string(), ": is empty; expected audio files (wav, flac, ogg or mp3)");
    fail(folder.string(), ": has no audio file (wav, flac, ogg or mp3), only others such as ",
         skipped.back().filename().string());
  }
  return files;
}

// "; <what>: a, b, c and 7 more" of the names that are in one map only; nothing if there are none.
inline std::string names_missing(const files_by_name& in, const files_by_name& from, const std::string& what) {
  constexpr std::size_t most = 5;
  std::string text;
  std::size_t count = 0;
  for (const auto& [name, path] : in)
    if (!from.contains(name) && ++count <= most) text += (count > 1 ? ", " : "") + name;
  if (count > most) text += " and " + std::to_string(count - most) + " more";
  return count == 0 ? "" : "; " + what + ": " + text;
}

// Names of the folders within `folder`, for messages.
inline std::string folders_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& n : names) text += (text.empty() ? "" : ", ") + n;
  return text.empty() ? "no folders" : text;
}

// How many of s1/, s2/, ... `folder` holds; they must be numbered without a gap.
inline std::size_t count_source_folders(const std::filesystem::path& folder) {
  std::size_t count = 0;
  while (is_folder(folder / source_folder_name(count + 1))) ++count;
  const std::string after = source_folder_name(count + 2);
  if (is_folder(folder / after))
    fail(folder.string(), ": has ", after, " but no ", source_folder_name(count + 1), "; sources are numbered from s1 on");
  return count;
}

// `folder` holds mix/ and, with ground truth, s1/, s2/, ...
inline mixture_list list_mixture_folder(const std::filesystem::path& folder) {
  mixture_list list;
  list.folder = folder;
  const files_by_name mixtures = list_audio_files(folder / "mix", list.skipped);
  for (const auto& [name, path] : mixtures) list.items.push_back({name, path, {}});

  list.sources = count_source_folders(folder);
  std::string mismatches;
  for (std::size_t s = 1; s <= list.sources; ++s) {
    const std::string source = source_folder_name(s);
    const files_by_name sources = list_audio_files(folder / source, list.skipped);
    mismatches += names_missing(mixtures, sources, "mix without " + source);
    mismatches += names_missing(sources, mixtures, source + " without mix");
    for (mixture_item& item : list.items)
      if (const auto found = sources.find(item.name); found != sources.end()) item.sources.push_back(found->second);
  }
  if (!mismatches.empty()) fail(folder.string(), ": files do not match by name", mismatches);
  std::sort(list.skipped.begin(), list.skipped.end());
  return list;
}

}  // namespace detail

// The items of <dataset>/audio/<partition>, or of <dataset>/audio if `partition` is empty. Throws error if a folder is
// missing or empty and, with ground truth, if the names in its folders differ.
inline mixture_list list_dataset(const std::filesystem::path& dataset, const std::string& partition = "") {
  const std::filesystem::path audio = dataset / "audio";
  if (!is_folder(dataset)) fail(dataset.string(), ": no such folder; expected a data set that holds audio/");
  if (!is_folder(audio))
    fail(dataset.string(), ": has no audio/; expected ", (audio / partition / "mix").string(), ", found ",
         detail::folders_in(dataset));
  const std::filesystem::path folder = partition.empty() ? audio : audio / partition;
  if (!is_folder(folder)) fail(audio.string(), ": has no partition \"", partition, "\", found ", detail::folders_in(audio));
  if (!is_folder(folder / "mix"))
    fail(folder.string(), ": has no mix/, found ", detail::folders_in(folder),
         partition.empty() ? "; name the partition, if there are partitions" : "");
  return detail::list_mixture_folder(folder);
}

// The items of any path: one file; a folder that holds mix/ and perhaps s1/, s2/; a folder of audio files.
inline mixture_list list_input(const std::filesystem::path& input) {
  if (path_kind(input) == std::filesystem::file_type::not_found)
    fail(input.string(), ": no such file or folder; expected audio (wav, flac, ogg or mp3)");
  mixture_list list;
  if (!is_folder(input)) {
    list.folder = input.parent_path();
    list.items.push_back({input.stem().string(), input, {}});
    return list;
  }
  if (is_folder(input / "mix")) return detail::list_mixture_folder(input);
  list.folder = input;
  for (const auto& [name, path] : detail::list_audio_files(input, list.skipped)) list.items.push_back({name, path, {}});
  std::sort(list.skipped.begin(), list.skipped.end());
  return list;
}

// Rate, channels and length of an item's mixture. Throws error if a file cannot be opened, or if a source's rate or
// length is not the mixture's.
inline audio_info check_item(const mixture_item& item) {
  const audio_info mixture = probe_audio(item.mixture);
  for (const std::filesystem::path& path : item.sources) {
    const audio_info source = probe_audio(path);
    if (source.rate != mixture.rate)
      fail(path.string(), ": has ", source.rate, " Hz where its mixture ", item.mixture.string(), " has ", mixture.rate,
           " Hz; resample one of them");
    if (source.frames != mixture.frames)
      fail(path.string(), ": has ", source.frames, " samples where its mixture ", item.mixture.string(), " has ",
           mixture.frames, "; cut them to one length");
  }
  return mixture;
}

}  // namespace avss
