// Where the faces of a mixture lie: <dataset>/video_embeddings/<id>.{npz,npy,pt}, and a mixture is named <id1>_<id2>...
#pragma once

#include <array>
#include <avss/core/error.hpp>
#include <avss/io/path_kind.hpp>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace avss {

// The ids of a mixture's faces, in the order of s1, s2, ...: its name cut at every "_".
inline std::vector<std::string> face_ids(std::string_view mixture_name) {
  std::vector<std::string> ids(1);
  for (char c : mixture_name) {
    if (c == '_')
      ids.emplace_back();
    else
      ids.back() += c;
  }
  return ids;
}

// The files of a face in a folder of embeddings or of mouths: more than one is too many.
inline std::vector<std::filesystem::path> face_files(const std::filesystem::path& folder, const std::string& id) {
  constexpr std::array<const char*, 3> endings{".npz", ".npy", ".pt"};
  std::vector<std::filesystem::path> files;
  for (const char* ending : endings) {
    const std::filesystem::path path = folder / (id + ending);
    if (!id.empty() && path_kind(path) != std::filesystem::file_type::not_found) files.push_back(path);
  }
  return files;
}

// The embedding file of a face. Throws error where there is none, or more than one; `mixture` is named in it.
inline std::filesystem::path find_face(const std::filesystem::path& folder, const std::string& id, const std::string& mixture) {
  const std::vector<std::filesystem::path> found = face_files(folder, id);
  if (found.size() > 1)
    fail(folder.string(), ": holds both ", found[0].filename().string(), " and ", found[1].filename().string(),
         "; keep one of a face");
  if (found.empty())
    fail(folder.string(), ": has no lip embedding ", id.empty() ? "for an empty id" : id + ".npz, .npy or .pt", ", a face of ",
         mixture, "; mixtures are named ID1_ID2, and embeddings are made of mouths/ with bazel run //tools:embed");
  return found[0];
}

}  // namespace avss
