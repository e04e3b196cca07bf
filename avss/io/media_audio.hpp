// The sound of any file that FFmpeg decodes (G.722, AAC, Opus, films and so on) as mono samples, block by block.
#pragma once

#include <avss/io/media_stream.hpp>

extern "C" {
#include <libswresample/swresample.h>
}

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/audio_reader.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace avss {

namespace detail {

struct close_swr {
  void operator()(SwrContext* c) const { swr_free(&c); }
};

}  // namespace detail

// Where a file's time stamps say that nothing sounds, or that what comes has sounded already.
struct audio_gap {
  double at = 0;       // s after the first sample
  double seconds = 0;  // of silence put there; less than 0: left out
};

// As audio_reader, for what libsndfile does not read. Such files do not always say how long they are: frames in info() is 0
// until the end is reached. Every sample comes when its time stamp says, to within `jitter`: gaps are filled with silence, what
// overlaps is left out.
class media_audio_reader {
 public:
  static constexpr double jitter = 0.05;         // s; containers round, and pieces are as long as their packets
  static constexpr double longest_gap = 3600;    // s; longer ones are an error of the time stamps
  static constexpr double longest_overlap = 10;  // s

  // Throws error as media_stream does and, with channel_choice::refuse, for several channels.
  explicit media_audio_reader(std::filesystem::path path, channel_choice choice = channel_choice::first)
      : stream_(std::move(path), media_kind::audio), choice_(choice) {
    const AVCodecContext& c = stream_.codec();
    info_ = {c.sample_rate, c.ch_layout.nb_channels, 0};
    if (info_.rate <= 0 || info_.channels <= 0)
      fail(where(), ": has ", info_.channels, " channels at ", info_.rate, " Hz; copy or convert it again");
    if (info_.channels > 1 && choice_ == channel_choice::refuse)
      fail(where(), ": has ", info_.channels, " channels, expected 1; convert it, or choose the first or the mean");
  }

  const audio_info& info() const { return info_; }
  double seconds() const { return stream_.seconds(); }  // as the header or the size says, 0: unknown
  // When the first sample sounds, in seconds on the clock of the file (media_video.hpp has the picture's). What the header says
  // until something is read; NaN if the file does not say.
  double starts() const { return std::isnan(first_) ? stream_.starts() : first_; }

  // So far, in their order.
  const std::vector<audio_gap>& gaps() const { return gaps_; }

  // Fills `block` as far as the sound goes; returns the number of samples, 0 at the end. Throws error where the file is
  // damaged or truncated, where its time stamps leap and for a sample that is NaN or infinite.
  std::size_t read(std::span<float> block) {
    std::size_t done = 0;
    while (done < block.size() && (silence_ > 0 || taken_ < ready_.size() || decode())) {
      if (silence_ > 0) {
        const std::size_t quiet = std::min(block.size() - done, silence_);
        std::fill_n(block.begin() + static_cast<std::ptrdiff_t>(done), quiet, 0.f);
        silence_ -= quiet, done += quiet;
        continue;
      }
      const std::size_t n = std::min(block.size() - done, ready_.size() - taken_);
      std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(taken_), n, block.begin() + static_cast<std::ptrdiff_t>(done));
      taken_ += n, done += n;
    }
    return done;
  }

 private:
  std::string where() const { return stream_.path().string(); }

  // Makes the next samples ready; false at the end.
  bool decode() {
    ready_.clear(), taken_ = 0;
    while (ready_.empty() && silence_ == 0) {
      const AVFrame* frame = stream_.next();
      if (!frame) {
        if (decoded_ == 0) fail(where(), ": has a header but no samples; copy or convert it again");
        info_.frames = decoded_;
        return false;
      }
      convert(*frame);
    }
    return true;
  }

  void convert(const AVFrame& frame) {
    if (decoded_ == 0) first_ = stream_.time_of(frame);
    if (frame.sample_rate != info_.rate || frame.ch_layout.nb_channels != info_.channels)
      fail(where(), ": changes from ", info_.channels, " channels at ", info_.rate, " Hz to ", frame.ch_layout.nb_channels,
           " at ", frame.sample_rate, " Hz; convert it, for example with ffmpeg");
    if (!converter_ || frame.format != format_) open_converter(frame);
    const std::size_t length = static_cast<std::size_t>(frame.nb_samples), channels = static_cast<std::size_t>(info_.channels);
    planes_.resize(channels * length);
    std::vector<std::uint8_t*> out(channels);
    for (std::size_t c = 0; c < channels; ++c) out[c] = reinterpret_cast<std::uint8_t*>(planes_.data() + c * length);
    const int got = swr_convert(converter_.get(), out.data(), frame.nb_samples,
                                const_cast<const std::uint8_t**>(frame.extended_data), frame.nb_samples);
    if (got != frame.nb_samples) stream_.refuse_data(got < 0 ? got : AVERROR_BUG);
    const std::size_t known = place(stream_.time_of(frame), length);
    mix_down(length);
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(known));
    decoded_ += static_cast<dim_t>(ready_.size());
  }

  // Silence before a frame that comes later than the samples so far reach; returns how many of a frame's samples come too
  // early for their place. All is counted from the first sample, so that small differences do not add up.
  std::size_t place(double time, std::size_t length) {
    if (std::isnan(time) || std::isnan(first_)) return 0;
    const double at = static_cast<double>(decoded_) / info_.rate, late = time - first_ - at;
    if (late > longest_gap || late < -longest_overlap)
      fail(where(), ": the time stamps of its sound leap by ", late, " s, ", at, " s after its beginning; expected at most ",
           longest_gap, " s on, ", longest_overlap, " s back; they are damaged, convert it, for example with ffmpeg");
    const auto samples = static_cast<std::size_t>(std::llround(std::abs(late) * info_.rate));
    if (late > jitter) {
      overlaps_ = false;
      gaps_.push_back({at, late});
      silence_ = samples;
      decoded_ += static_cast<dim_t>(samples);
    }
    if (late < -jitter && !overlaps_) gaps_.push_back({at, late});
    overlaps_ = late < 0 && (overlaps_ || late < -jitter);  // until all that is known is left out
    return overlaps_ ? std::min(samples, length) : 0;
  }

  // Only the samples' type changes: neither rate nor channels, so that nothing is held back.
  void open_converter(const AVFrame& frame) {
    AVChannelLayout layout{};
    av_channel_layout_default(&layout, info_.channels);
    SwrContext* made = nullptr;
    int code = swr_alloc_set_opts2(&made, &layout, AV_SAMPLE_FMT_FLTP, info_.rate, &layout,
                                   static_cast<AVSampleFormat>(frame.format), info_.rate, 0, nullptr);
    converter_.reset(made);
    if (code >= 0) code = swr_init(made);
    av_channel_layout_uninit(&layout);
    if (code < 0) stream_.refuse_data(code);
    format_ = frame.format;
  }

  void mix_down(std::size_t length) {
    const std::size_t channels = choice_ == channel_choice::mean ? static_cast<std::size_t>(info_.channels) : 1;
    ready_.resize(length);
    for (std::size_t i = 0; i < length; ++i) {
      double sum = 0;
      for (std::size_t c = 0; c < channels; ++c) sum += static_cast<double>(planes_[c * length + i]);
      ready_[i] = static_cast<float>(sum / static_cast<double>(channels));
      if (!std::isfinite(ready_[i]))
        fail(where(), ": sample ", decoded_ + static_cast<dim_t>(i), " is ", std::isnan(ready_[i]) ? "NaN" : "infinite",
             "; expected finite samples, make the file again");
    }
  }

  media_stream stream_;
  channel_choice choice_;
  audio_info info_;
  std::unique_ptr<SwrContext, detail::close_swr> converter_;
  int format_ = -1;            // that converter_ takes
  std::vector<float> planes_;  // [channels][samples of a frame]
  std::vector<float> ready_;   // samples not yet read, from taken_ on
  std::size_t taken_ = 0;
  std::size_t silence_ = 0;  // samples to come before those
  std::vector<audio_gap> gaps_;
  bool overlaps_ = false;                                    // what comes has sounded already
  dim_t decoded_ = 0;                                        // samples so far, silence among them
  double first_ = std::numeric_limits<double>::quiet_NaN();  // s, time of the first sample
};

// A whole file in memory, or its first `most` samples.
inline audio_signal read_media_audio(const std::filesystem::path& path, channel_choice choice = channel_choice::first,
                                     std::size_t most = static_cast<std::size_t>(-1)) {
  media_audio_reader reader(path, choice);
  audio_signal signal{reader.info(), {}};
  std::vector<float> block(1 << 14);
  while (const std::size_t got = reader.read(std::span(block).first(std::min(block.size(), most - signal.samples.size()))))
    signal.samples.insert(signal.samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got));
  signal.info.frames = static_cast<dim_t>(signal.samples.size());
  return signal;
}

}  // namespace avss
