#include "tools/embed_job.hpp"

#include <algorithm>
#include <atomic>
#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/io/array_file.hpp>
#include <avss/io/left_parts.hpp>
#include <avss/io/path_kind.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <new>
#include <ostream>
#include <set>
#include <system_error>

#include "tools/item_progress.hpp"
#include "tools/stop_on_signal.hpp"

namespace avss::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* embedding_key = "embedding";  // of npz archives

// Visits the files of a folder that are not hidden.
template <class Visit>
void each_file(const fs::path& folder, Visit&& visit) {
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with('.') && it->is_regular_file()) visit(name, it->path());
  }
  if (code) fail(folder.string(), ": cannot be read: ", code.message(), "; check its permissions");
}

enum class fate { there, made, adopted };

class embedding_run {
 public:
  embedding_run(const embed_options& o, lip_embedder& encoder, std::ostream& out, std::ostream& err)
      : o_(o), encoder_(encoder), out_(out), err_(err) {}

  int run() {
    std::size_t skipped = 0;
    std::vector<mouth_file> mouths = list_mouths(o_.mouths, skipped);
    make_embedding_folder(o_);
    remove_left_temporaries(o_.embeddings);
    if (skipped > 0) err_ << "note: " << skipped << " files that are no npz, npy or pt by their names skipped\n";
    embedding_manifest manifest(o_.embeddings, describe(o_, encoder_), o_.overwrite);
    note_orphans(mouths, manifest);
    if (!o_.only.empty()) std::erase_if(mouths, [&](const mouth_file& m) { return !o_.only.contains(m.id); });
    const dim_t side = side_after(o_.preprocessing);
    encoder_.prepare(side, o_.batch_statistics);

    const auto start = clock::now();
    std::vector<std::string> why(mouths.size());
    bool interrupted = false;
    try {
      item_progress progress(err_, o_.terminal, mouths.size());
      parallel_for(o_.threads, static_cast<dim_t>(mouths.size()), [&](dim_t n, int worker) {
        check_stop();
        const std::size_t i = static_cast<std::size_t>(n);
        try {
          count(do_one(mouths[i], manifest, worker));
        } catch (const std::bad_alloc&) {
          why[i] = mouths[i].path.string() + ": not enough memory; cut it into shorter clips, or use fewer --threads";
        } catch (const error& e) {
          why[i] = e.what();
        }
        progress.step();
      });
    } catch (const stopped&) {
      interrupted = true;
    }
    return report(why, interrupted, std::chrono::duration<double>(clock::now() - start).count());
  }

 private:
  using clock = std::chrono::steady_clock;

  void note_orphans(const std::vector<mouth_file>& mouths, const embedding_manifest& manifest) {
    std::set<std::string> ids;
    for (const mouth_file& m : mouths) ids.insert(m.id);
    const auto lost = std::count_if(manifest.entries().begin(), manifest.entries().end(),
                                    [&](const auto& e) { return !ids.contains(e.first); });
    if (lost > 0) err_ << "note: " << lost << " embeddings have no mouths any more; they are left as they are\n";
  }

  void count(fate f) {
    if (f == fate::there) ++there_;
    if (f == fate::made) ++made_;
    if (f == fate::adopted) ++adopted_;
  }

  fate do_one(const mouth_file& m, embedding_manifest& manifest, int worker) {
    const std::string file = m.id + "." + o_.format;
    const fs::path target = o_.embeddings / file;
    const embedding_entry* known = manifest.find(m.id);
    if (known && known->file != file) known = nullptr;
    const bool exists = path_kind(target) != fs::file_type::not_found;
    if (known && exists && !o_.overwrite && !same_file(target, known->embedding))
      fail(target.string(),
           ": is not what was written, it was changed since or cut off; remove it, or make all anew with "
           "video_encoder.overwrite=true");
    if (known && exists && same_file(m.path, known->mouth)) return fate::there;

    embedding_entry e{file, 0, mark_of(m.path), {}};
    const mouth_clip clip = read_mouth_clip(m.path.string(), o_.mouth_key);
    e.frames = clip.frames;
    const std::vector<float> features = embed(m, clip, worker);
    tensor result = tensor::of<float>({lip_embedder::features, clip.frames}, features);
    const bool unknown = exists && !known && !o_.overwrite;
    if (unknown && !same_values(target, result))
      fail(target.string(), ": is there already and not in ", embedding_manifest::name,
           "; remove it, or make all anew with video_encoder.overwrite=true");
    if (!unknown) write_array(target.string(), embedding_key, std::move(result));
    e.embedding = mark_of(target);
    manifest.add(m.id, e);
    frames_ += clip.frames;
    return unknown ? fate::adopted : fate::made;
  }

  std::vector<float> embed(const mouth_file& m, const mouth_clip& clip, int worker) {
    try {
      std::vector<float> y = encoder_.embed(preprocess(clip, o_.preprocessing), worker);
      for (float v : y)
        if (!(v - v == 0.f)) fail("the encoder's features are not finite; check its weights");
      return y;
    } catch (const error& e) {
      fail(m.path.string(), ": ", e.what());
    }
  }

  // A run that was killed may have written an embedding and not yet its line.
  static bool same_values(const fs::path& file, const tensor& result) {
    try {
      const tensor t = read_array(file.string(), embedding_key);
      return t.type == result.type && t.shape == result.shape && t.bytes == result.bytes;
    } catch (const error&) {
      return false;
    }
  }

  int report(const std::vector<std::string>& why, bool interrupted, double seconds) {
    std::size_t failed = 0;
    for (const std::string& w : why)
      if (!w.empty()) {
        ++failed;
        err_ << "error: " << one_line(w) << '\n';
      }
    if (interrupted) err_ << "interrupted; what is written is whole, and the same command goes on with the rest" << std::endl;
    char speed[96] = "";
    if (made_ > 0)
      std::snprintf(speed, sizeof speed, ", %lld frames in %.1f s (%.1f times real time)", static_cast<long long>(frames_),
                    seconds, static_cast<double>(frames_) / 25 / std::max(seconds, 1e-9));
    out_ << made_ << " clips embedded" << speed << ", " << there_ + adopted_ << " were there, " << failed
         << " failed: " << one_line(o_.embeddings.string()) << std::endl;
    if (!out_) err_ << "error: the last line could not be written: the output is closed or full" << std::endl;
    return interrupted ? 130 : failed > 0 || !out_ ? 1 : 0;
  }

  const embed_options& o_;
  lip_embedder& encoder_;
  std::ostream& out_;
  std::ostream& err_;
  std::atomic<std::size_t> there_ = 0, made_ = 0, adopted_ = 0;
  std::atomic<std::int64_t> frames_ = 0;
};

}  // namespace

void make_embedding_folder(const embed_options& o) {
  std::error_code code;
  fs::create_directories(o.embeddings, code);
  if (code) fail(o.embeddings.string(), ": cannot be made: ", code.message(), "; choose another video_encoder.embeddings");
  if (fs::equivalent(o.embeddings, o.mouths, code))
    fail(o.embeddings.string(), ": holds the mouths and cannot take embeddings; choose another video_encoder.embeddings");
  if (o.overwrite || embedding_manifest::exists(o.embeddings)) return;
  std::size_t there = 0;
  each_file(o.embeddings, [&](const std::string& name, const fs::path&) { there += is_array_name(name); });
  if (there > 0)
    fail(o.embeddings.string(), ": holds ", there, " embeddings and no ", embedding_manifest::name,
         ", so that nobody knows how they were made; choose another video_encoder.embeddings, or make them anew with "
         "video_encoder.overwrite=true");
}

std::vector<mouth_file> list_mouths(const fs::path& folder, std::size_t& skipped) {
  const fs::file_type kind = path_kind(folder);
  if (kind != fs::file_type::directory)
    fail(folder.string(), kind == fs::file_type::not_found ? ": there is no such folder" : ": is no folder",
         "; expected crops of mouths, ID.npz, in video_encoder.mouths (default DATASET_PATH/mouths)");
  std::vector<mouth_file> found;
  skipped = 0;
  each_file(folder, [&](const std::string& name, const fs::path& path) {
    if (is_array_name(name))
      found.push_back({path.stem().string(), path});
    else
      ++skipped;
  });
  if (found.empty()) fail(folder.string(), ": holds no mouths; expected files such as ID.npz");
  std::sort(found.begin(), found.end(),
            [](const mouth_file& a, const mouth_file& b) { return std::tie(a.id, a.path) < std::tie(b.id, b.path); });
  for (std::size_t i = 1; i < found.size(); ++i)
    if (found[i].id == found[i - 1].id)
      fail(found[i].path.string(), " and ", found[i - 1].path.filename().string(), ": two clips of one name; keep one");
  return found;
}

embedding_manifest::description describe(const embed_options& o, const lip_embedder& encoder) {
  return {{"encoder", hash_text(encoder.hash())},
          {"activation", std::string(name_of(encoder.activation()))},
          {"preprocessing", o.preprocessing == lip_preprocessing::lrw ? "lrw" : "reference"},
          {"bn_stats", o.batch_statistics ? "batch" : "running"},
          {"format", o.format}};
}

int run_embed(const embed_options& options, lip_embedder& encoder, std::ostream& out, std::ostream& err) {
  const stop_on_signal guard;
  return embedding_run(options, encoder, out, err).run();
}

}  // namespace avss::tools
