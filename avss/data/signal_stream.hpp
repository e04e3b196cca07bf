// An audio file as one channel at any sample rate, block by block.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/dsp/resample.hpp>
#include <avss/io/audio_reader.hpp>
#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace avss {

class signal_stream {
 public:
  // rate in Hz, 0: the file's own. Throws error as audio_reader does.
  explicit signal_stream(const std::filesystem::path& path, int rate = 0, channel_choice choice = channel_choice::first)
      : reader_(path, choice),
        rate_(rate > 0 ? rate : reader_.info().rate),
        resampler_(reader_.info().rate, rate_),
        block_(4096) {}

  const audio_info& file() const { return reader_.info(); }
  int rate() const { return rate_; }
  dim_t length() const { return resampled_length(file().frames, file().rate, rate_); }  // samples at rate()

  // Fills `out` as far as the signal goes; returns the number of samples, 0 at the end. Throws error for damaged files.
  std::size_t read(std::span<float> out) {
    std::size_t done = 0;
    while (done < out.size()) {
      if (taken_ == ready_.size() && !refill()) break;
      const std::size_t n = std::min(out.size() - done, ready_.size() - taken_);
      std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(taken_), n, out.begin() + static_cast<std::ptrdiff_t>(done));
      taken_ += n, done += n;
    }
    return done;
  }

 private:
  // Whether there is more.
  bool refill() {
    ready_.clear();
    taken_ = 0;
    while (ready_.empty() && !ended_) {
      const std::size_t got = reader_.read(block_);
      resampler_.push(std::span<const float>(block_).first(got), ready_);
      ended_ = got == 0;
      if (ended_) resampler_.finish(ready_);
    }
    return !ready_.empty();
  }

  audio_reader reader_;
  int rate_;
  resampler<float> resampler_;
  std::vector<float> block_, ready_;
  std::size_t taken_ = 0;  // of ready_
  bool ended_ = false;
};

// All of a file's signal at `rate` Hz. Throws error if it cannot be decoded, or ends before its header says.
inline std::vector<float> read_signal(const std::filesystem::path& file, int rate,
                                      channel_choice choice = channel_choice::first) {
  signal_stream stream(file, rate, choice);
  std::vector<float> samples, block(1 << 14);
  while (const std::size_t got = stream.read(block))
    samples.insert(samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got));
  if (static_cast<dim_t>(samples.size()) != stream.length())
    fail(file.string(), ": gives ", samples.size(), " samples at ", stream.rate(), " Hz where its header promises ",
         stream.length(), "; copy or convert it again");
  return samples;
}

}  // namespace avss
