// Recordings of single speakers, from folders of files.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/recording.hpp>
#include <avss/data/speaker_rule.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/io/path_kind.hpp>
#include <cmath>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace avss {

enum class speech_storage {
  memory,     // decoded once, when the pool is made: 2 bytes a sample
  on_demand,  // decoded when asked for; those used last are kept
};

enum class speaker_part { training, held_out };

struct speech_pool_options {
  speaker_rule speaker{};
  int rate = 8000;                     // Hz, of what load() gives
  double min_seconds = 0;              // shorter recordings are left out
  std::vector<std::string> only = {};  // these speakers; empty: all
  std::vector<std::string> except = {};
  std::size_t hold_out = 0;  // of the speakers left, in the order of the bytes, the last so many are held out
  speaker_part part = speaker_part::training;
  speech_storage storage = speech_storage::memory;
  std::size_t max_bytes = std::size_t{1} << 30;  // of decoded samples in memory
  bool skip_unreadable = false;                  // or refuse the folder
  int threads = 1;                               // to look into the files
};

struct utterance {
  std::filesystem::path file;
  std::size_t speaker = 0;
  dim_t length = 0;  // samples at the pool's rate
};

// Which files did not come into the pool.
struct speech_pool_counts {
  std::size_t files = 0, not_audio = 0, other_speakers = 0, too_short = 0, unreadable = 0;
};

// May be used by several threads at once. The storage changes no sample.
class speech_pool {
 public:
  // Takes the audio files of the folders and of all folders in them; hidden ones are left out. Throws error for a folder
  // that is missing or empty, files that cannot be read, speakers to select that do not exist, if nothing is left, and if
  // that does not fit into max_bytes.
  speech_pool(std::span<const std::filesystem::path> folders, speech_pool_options options) : options_(std::move(options)) {
    if (options_.rate <= 0) fail("a speech pool cannot have a sample rate of ", options_.rate, " Hz");
    for (const std::filesystem::path& f : folders) where_ += (where_.empty() ? "" : ", ") + f.string();
    if (folders.empty()) fail("a speech pool needs at least one folder of recordings");
    std::vector<found> files;
    for (const std::filesystem::path& f : folders) list(f, files);
    std::sort(files.begin(), files.end());
    drop_copies(files);
    counts_.files = files.size();
    select(files);
    examine(files);
    cache_ = std::make_unique<recording_cache>(options_.max_bytes);
    if (options_.storage == speech_storage::memory) decode();
  }
  speech_pool(const std::filesystem::path& folder, speech_pool_options options)
      : speech_pool(std::span(&folder, 1), std::move(options)) {}

  int rate() const { return options_.rate; }
  const std::string& where() const { return where_; }                         // the folders, for messages
  const std::vector<std::string>& speakers() const { return speakers_; }      // in the order of the bytes
  const std::vector<utterance>& utterances() const { return utterances_; }    // by speaker, then by path
  const speech_pool_counts& counts() const { return counts_; }                // of what was left out
  const std::vector<std::string>& unreadable() const { return unreadable_; }  // why, a line each
  double seconds() const { return static_cast<double>(samples()) / rate(); }  // of all recordings
  std::size_t bytes() const { return kept_.empty() ? cache_->bytes() : 2 * static_cast<std::size_t>(samples()); }

  // The samples of utterance u. Throws error if its file cannot be decoded.
  std::shared_ptr<const recording> load(std::size_t u) const {
    if (!kept_.empty()) return kept_[u];
    return cache_->get(u, [&] { return load_recording(utterances_[u].file, options_.rate); });
  }

 private:
  struct found {
    std::string speaker;
    std::filesystem::path file;
    bool operator<(const found& o) const { return std::tie(speaker, file) < std::tie(o.speaker, o.file); }
  };

  void list(const std::filesystem::path& folder, std::vector<found>& files) {
    namespace fs = std::filesystem;
    std::error_code code;
    if (!is_folder(folder)) fail(folder.string(), ": no such folder; expected recordings of single speakers");
    const std::size_t before = files.size();
    fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink, code);
    for (; !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
      const fs::path& path = entry->path();
      std::error_code ignored;
      const bool hidden = path.filename().string().front() == '.', inner = entry->is_directory(ignored);
      if (inner && hidden) entry.disable_recursion_pending();
      if (inner || hidden) continue;
      if (detail::has_audio_extension(path))
        files.push_back({options_.speaker(folder, path), path});
      else
        ++counts_.not_audio;
    }
    if (code) fail(folder.string(), ": cannot be listed: ", code.message());
    if (files.size() == before)
      fail(folder.string(), ": holds no audio file (wav, flac, ogg or mp3), nor do the folders in it");
  }

  // A recording that is found twice, below two folders or by a link, is one. Throws error where it would be two speakers': it
  // would be mixed with itself, and held out and trained on.
  static void drop_copies(std::vector<found>& files) {
    std::map<std::filesystem::path, const found*> seen;
    std::vector<found> once;
    once.reserve(files.size());  // so that `seen` stays valid
    for (found& f : files) {
      std::error_code ignored;
      std::filesystem::path real = std::filesystem::canonical(f.file, ignored);
      if (ignored) real = f.file;
      const auto [first, is_new] = seen.try_emplace(std::move(real), nullptr);
      if (is_new) {
        first->second = &once.emplace_back(std::move(f));
      } else if (first->second->speaker != f.speaker) {
        fail(f.file.string(), ": a recording of speaker \"", f.speaker, "\", and as ", first->second->file.string(),
             " of speaker \"", first->second->speaker,
             "\"; give folders of which none holds another, and no links between them");
      }
    }
    files = std::move(once);
  }

  // Who is in is said by the names of the files alone: two pools of one folder that differ in anything else, such as the
  // minimum length, hold out the same speakers.
  void select(std::vector<found>& files) {
    std::set<std::string> in;
    for (const found& f : files) in.insert(f.speaker);
    const auto known = [&](const std::vector<std::string>& names) {
      for (const std::string& n : names)
        if (!in.contains(n))
          fail(where_, ": has no speaker \"", n, "\" among its ", in.size(), ", such as \"", *in.begin(), "\" (speaker rule ",
               options_.speaker.text(), ")");
      return std::set<std::string>(names.begin(), names.end());
    };
    const std::set<std::string> except = known(options_.except);
    if (const std::set<std::string> only = known(options_.only); !only.empty()) in = only;
    for (const std::string& n : except) in.erase(n);
    if (in.empty()) fail(where_, ": no speaker is left of those selected");
    if (options_.hold_out > 0) {
      if (options_.hold_out >= in.size())
        fail(where_, ": cannot hold out ", options_.hold_out, " of ", in.size(), in.size() == 1 ? " speaker" : " speakers",
             "; hold out fewer");
      const auto border = std::prev(in.end(), static_cast<std::ptrdiff_t>(options_.hold_out));
      in = options_.part == speaker_part::training ? std::set(in.begin(), border) : std::set(border, in.end());
    } else if (options_.part == speaker_part::held_out) {
      fail(where_, ": no speakers are held out; say how many");
    }
    counts_.other_speakers = std::erase_if(files, [&](const found& f) { return !in.contains(f.speaker); });
  }

  // Calls body(i) for every file; why[i] is what it threw.
  template <class Body>
  std::vector<std::string> for_all(std::size_t n, Body&& body) const {
    std::vector<std::string> why(n);
    parallel_for(options_.threads, static_cast<dim_t>(n), [&](dim_t i, int) {
      try {
        body(static_cast<std::size_t>(i));
      } catch (const std::exception& e) {
        why[static_cast<std::size_t>(i)] = e.what();
      }
    });
    return why;
  }

  // Notes the files that failed, or refuses them.
  void refuse(const std::vector<std::string>& why) {
    const std::size_t before = unreadable_.size();
    for (const std::string& w : why)
      if (!w.empty()) unreadable_.push_back(w);
    counts_.unreadable = unreadable_.size();
    const std::size_t fresh = unreadable_.size() - before;
    if (fresh == 0 || options_.skip_unreadable) return;
    if (fresh == 1) fail(unreadable_[before]);
    fail(fresh, " files cannot be read, the first: ", unreadable_[before]);
  }

  void examine(const std::vector<found>& files) {
    std::vector<dim_t> lengths(files.size(), -1);
    refuse(for_all(files.size(), [&](std::size_t i) {
      const audio_info info = probe_audio(files[i].file);
      lengths[i] = resampled_length(info.frames, info.rate, options_.rate);
    }));
    const dim_t shortest = std::max<dim_t>(1, static_cast<dim_t>(std::ceil(options_.min_seconds * options_.rate)));
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (lengths[i] < shortest) {
        counts_.too_short += lengths[i] >= 0;
        continue;
      }
      add(files[i].file, files[i].speaker, lengths[i]);
    }
    require_some();
  }

  void add(const std::filesystem::path& file, const std::string& speaker, dim_t length) {
    if (speakers_.empty() || speakers_.back() != speaker) speakers_.push_back(speaker);
    utterances_.push_back({file, speakers_.size() - 1, length});
  }

  void require_some() const {
    if (utterances_.empty())
      fail(where_, ": no recording is left: of ", counts_.files, " files, ", counts_.too_short, " are shorter than ",
           options_.min_seconds, " s, ", counts_.unreadable, " cannot be read, ", counts_.other_speakers,
           " are of other speakers");
  }

  void decode() {
    const std::size_t needed = 2 * static_cast<std::size_t>(samples());
    if (needed > options_.max_bytes)
      fail(where_, ": ", static_cast<dim_t>(seconds() / 60), " minutes of speech at ", rate(), " Hz take ", needed,
           " bytes of memory, allowed are ", options_.max_bytes, "; load on demand or allow more");
    std::vector<std::shared_ptr<const recording>> all(utterances_.size());
    refuse(for_all(all.size(), [&](std::size_t i) {
      all[i] = std::make_shared<const recording>(load_recording(utterances_[i].file, options_.rate));
    }));
    const std::vector<std::string> names = std::exchange(speakers_, {});
    const std::vector<utterance> looked_at = std::exchange(utterances_, {});
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!all[i]) continue;
      add(looked_at[i].file, names[looked_at[i].speaker], looked_at[i].length);
      kept_.push_back(std::move(all[i]));
    }
    require_some();
  }

  dim_t samples() const {
    dim_t n = 0;
    for (const utterance& u : utterances_) n += u.length;
    return n;
  }

  speech_pool_options options_;
  std::string where_;
  std::vector<std::string> speakers_;
  std::vector<utterance> utterances_;
  speech_pool_counts counts_;
  std::vector<std::string> unreadable_;
  std::vector<std::shared_ptr<const recording>> kept_;  // [utterances], or empty
  std::unique_ptr<recording_cache> cache_;
};

}  // namespace avss
