#include "tools/missing_embeddings.hpp"

#include <unistd.h>

#include <avss/core/error.hpp>
#include <avss/data/face_layout.hpp>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <utility>

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

struct missing_faces {
  fs::path dataset;           // one of those that share the folders
  std::set<std::string> all;  // faces of the mixtures
  std::set<std::string> ids;  // of which these are missing and can be made
  // Of these there is no mouth either; of the first, the mixture.
  std::set<std::string> lost = {};
  std::string lost_first = {}, lost_of = {};

  void add(const std::string& id, const std::string& mixture, const fs::path& mouths) {
    if (!face_files(mouths, id).empty()) {
      ids.insert(id);
      return;
    }
    if (lost.empty()) lost_first = id, lost_of = mixture;
    lost.insert(id);
  }
};

// By the folders of mouths and embeddings, which data sets may share.
std::map<std::pair<fs::path, fs::path>, missing_faces> look_for_missing(const config::settings& s,
                                                                        const std::vector<seen_mixtures>& sets) {
  std::map<std::pair<fs::path, fs::path>, missing_faces> found;
  for (const seen_mixtures& set : sets) {
    const face_folders folders = folders_of_faces(s, set.dataset);
    missing_faces& m = found[{folders.mouths, folders.embeddings}];
    m.dataset = set.dataset;
    for (const std::string& name : set.names)
      for (const std::string& id : face_ids(name))
        if (m.all.insert(id).second && face_files(folders.embeddings, id).empty()) m.add(id, name, folders.mouths);
  }
  return found;
}

int make_them(const config::settings& s, missing_faces& m, const face_folders& folders, int threads, std::ostream& out,
              std::ostream& err, const std::function<void(const video_encoder_config&)>& before) {
  // Told before the others are made, which may take hours.
  if (!m.lost.empty())
    fail((folders.mouths / m.lost_first).string(),
         ".npz: there is no such mouth, nor a lip embedding, of a face of the mixture ", m.lost_of,
         m.lost.size() > 1 ? joined(", and of ", m.lost.size() - 1, " more faces") : "",
         "; crop it with bazel run //tools:crop_mouths, or take the mixture out of the data set");
  const std::string what =
      joined(m.ids.size(), " of ", m.all.size(), " faces have no lip embedding in ", one_line(folders.embeddings.string()));
  const auto read = [&] {
    try {
      return read_video_encoder(s, threads, ::isatty(STDERR_FILENO) == 1, m.dataset);
    } catch (const error& e) {
      fail(what, ", and they cannot be made of ", folders.mouths.string(), ": ", e.what());
    }
  };
  video_encoder_config c = read();
  c.embed.only = std::move(m.ids);
  if (before) before(c);
  out << what << ": they are made of " << one_line(folders.mouths.string()) << std::endl;
  const std::unique_ptr<lip_embedder> encoder = make_encoder(c, out, err);
  return run_embed(c.embed, *encoder, out, err);
}

}  // namespace

int make_missing_embeddings(const config::settings& s, const std::vector<seen_mixtures>& sets, dim_t features, int threads,
                            std::ostream& out, std::ostream& err,
                            const std::function<void(const video_encoder_config&)>& before) {
  if (features != lip_embedder::features || !s.get<bool>("video_encoder.prepare_embeddings", false)) return 0;
  if (s.get<bool>("video_encoder.overwrite", false))
    fail("video_encoder.overwrite: only bazel run //tools:embed makes embeddings anew that are there; leave it false");
  for (auto& [folders, missing] : look_for_missing(s, sets)) {
    if (missing.ids.empty()) {
      warn_of_another_encoder(s, folders.second, err);
      continue;
    }
    const int status = make_them(s, missing, {folders.first, folders.second}, threads, out, err, before);
    if (status != 0) return status;
  }
  return 0;
}

}  // namespace avss::tools
