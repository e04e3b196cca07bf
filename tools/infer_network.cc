#include "tools/infer_network.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/face_layout.hpp>
#include <avss/data/lip_embedding.hpp>
#include <avss/io/path_kind.hpp>
#include <string>
#include <utility>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

void check_count(const fs::path& where, std::size_t sources, const separator_info& info, std::size_t given) {
  if (sources != 0 && sources != given)
    fail(where.string(), ": has ", sources, " sources where ", info.name, " gives ", given,
         "; take a network for as many, or a folder with mix/ only");
}

}  // namespace

std::size_t heard_network::check(const mixture_list& list) const {
  const auto sources = static_cast<std::size_t>(info().sources);
  check_count(list.folder, list.sources, info(), sources);
  return sources;
}

std::vector<fs::path> seen_network::faces_of(const mixture_item& item) const {
  if (!options_.files.empty()) return options_.files;
  std::vector<fs::path> faces;
  for (const std::string& id : face_ids(item.name)) faces.push_back(find_face(options_.folder, id, item.name));
  return faces;
}

std::size_t seen_network::check(const mixture_list& list) const {
  if (!options_.files.empty() && list.items.size() != 1)
    fail(list.folder.string(), ": holds ", list.items.size(),
         " mixtures, and the embeddings given are of one; give a folder of ",
         "embeddings, which are found by the mixtures' names ID1_ID2");
  if (options_.files.empty() && !is_folder(options_.folder))
    fail(options_.folder.string(),
         ": no such folder; expected the lip embeddings of the speakers' faces, made of mouths/ with ",
         "bazel run //tools:embed");
  std::size_t most = 0, missing = 0;
  std::string first;
  for (const mixture_item& item : list.items) {
    const std::size_t faces = options_.files.empty() ? face_ids(item.name).size() : options_.files.size();
    if (options_.speakers != 0 && faces != options_.speakers)
      fail(item.mixture.string(), ": has ", faces, " face", faces > 1 ? "s" : "", ", and this configuration is for ",
           options_.speakers, "; choose model=rtfsnet for any number");
    if (!item.sources.empty() && item.sources.size() != faces)
      fail(item.mixture.string(), ": has ", faces, " face", faces > 1 ? "s" : "", " where there are ", item.sources.size(),
           " sources; faces and sources go together, in one order");
    most = std::max(most, faces);
    try {
      faces_of(item);
    } catch (const error& e) {
      if (missing++ == 0) first = e.what();
    }
  }
  if (missing > 1) fail(first, "; ", missing - 1, " more mixtures lack faces");
  if (missing > 0) fail(first);
  return most;
}

part_separator& seen_network::of(const mixture_item& item, const audio_info& audio) {
  seen_.reset();  // before the next faces are read
  std::vector<std::vector<float>> features;
  for (const fs::path& path : faces_of(item))
    features.push_back(fit_to_audio(read_lip_embedding(path, network_.video_channels()), audio.frames, audio.rate,
                                    path.string(), item.mixture.string())
                           .values);
  return seen_.emplace(network_, std::move(features));
}

}  // namespace avss::tools
