// The sounds of a folder, to be drawn from: noises, impulse responses.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/parallel.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/data/bounded_cache.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/data/signal_stream.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/io/path_kind.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace avss {

// One channel, the mean of the file's.
struct bank_sound {
  std::vector<float> samples;
  std::size_t bytes() const { return samples.size() * sizeof(float); }
};

struct sound_bank_options {
  int rate = 16000;                              // Hz, of what load() gives
  std::size_t max_bytes = std::size_t{1} << 30;  // of decoded sounds in memory; those used last are kept
  bool skip_unreadable = false;                  // or refuse the folder
  int threads = 1;                               // to look into the files
};

// Files are looked into at the start and decoded when they are first asked for. May be used by several threads at once.
class sound_bank {
 public:
  // All audio files of the folder and of all folders in it, in the order of their paths; hidden ones are left out. `what` names
  // the sounds in messages, such as "noises". Throws error for a folder that is missing or without audio, and for files that
  // cannot be read, unless they are to be left out.
  sound_bank(const std::filesystem::path& folder, const std::string& what, sound_bank_options options)
      : where_(folder.string()), what_(what), options_(options), cache_(options.max_bytes) {
    if (!is_folder(folder)) fail(where_, ": no such folder; expected ", what_, " in audio files (wav, flac, ogg or mp3)");
    list(folder);
    examine();
  }

  int rate() const { return options_.rate; }
  std::size_t size() const { return files_.size(); }
  dim_t length(std::size_t i) const { return files_[i].length; }  // samples
  const std::filesystem::path& file(std::size_t i) const { return files_[i].path; }
  const std::string& where() const { return where_; }
  std::size_t unreadable() const { return unreadable_; }  // files that were left out

  // Throws error if the file cannot be decoded.
  std::shared_ptr<const bank_sound> load(std::size_t i) const {
    return cache_.get(i, [&] { return bank_sound{read_signal(files_[i].path, options_.rate, channel_choice::mean)}; });
  }
  // One of them, each equally likely.
  std::size_t draw(const random_stream& random, std::uint64_t index) const {
    return static_cast<std::size_t>(random.below(files_.size(), index));
  }

 private:
  struct entry {
    std::filesystem::path path;
    dim_t length = 0;
    bool operator<(const entry& o) const { return path < o.path; }
  };

  void list(const std::filesystem::path& folder) {
    namespace fs = std::filesystem;
    std::error_code code;
    fs::recursive_directory_iterator at(folder, fs::directory_options::follow_directory_symlink, code);
    for (; !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
      std::error_code ignored;
      const bool hidden = at->path().filename().string().front() == '.', inner = at->is_directory(ignored);
      if (inner && hidden) at.disable_recursion_pending();
      if (!inner && !hidden && detail::has_audio_extension(at->path())) files_.push_back({at->path(), 0});
    }
    if (code) fail(where_, ": cannot be listed: ", code.message());
    if (files_.empty())
      fail(where_, ": holds no audio file (wav, flac, ogg or mp3), nor do the folders in it; expected ", what_);
    std::sort(files_.begin(), files_.end());
  }

  void examine() {
    std::vector<std::string> why(files_.size());
    parallel_for(options_.threads, static_cast<dim_t>(files_.size()), [&](dim_t i, int) {
      entry& e = files_[static_cast<std::size_t>(i)];
      try {
        const audio_info info = probe_audio(e.path);
        e.length = resampled_length(info.frames, info.rate, options_.rate);
      } catch (const std::exception& wrong) {
        why[static_cast<std::size_t>(i)] = wrong.what();
      }
    });
    std::string first;
    for (const std::string& w : why) {
      if (!w.empty() && first.empty()) first = w;
      unreadable_ += !w.empty();
    }
    const std::size_t all = files_.size();
    if (unreadable_ == all)
      fail(where_, ": none of its ", all, all == 1 ? " file" : " files", " can be read, expected ", what_,
           "; the first: ", first);
    if (unreadable_ > 0 && !options_.skip_unreadable)
      fail(where_, ": ", unreadable_, " of its ", all, " files cannot be read; remove them, or leave them out with ",
           "skip_unreadable=true; the first: ", first);
    std::erase_if(files_, [](const entry& e) { return e.length == 0; });
  }

  std::string where_, what_;
  sound_bank_options options_;
  std::vector<entry> files_;
  std::size_t unreadable_ = 0;
  mutable bounded_cache<bank_sound> cache_;
};

}  // namespace avss
