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

// As audio_reader, for what libsndfile does not read. Such files do not always say how long they are: frames in info() is 0
// until the end is reached.
class media_audio_reader {
 public:
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

  // Fills `block` as far as the sound goes; returns the number of samples, 0 at the end. Throws error where the file is
  // damaged or truncated and for a sample that is NaN or infinite.
  std::size_t read(std::span<float> block) {
    std::size_t done = 0;
    while (done < block.size() && (taken_ < ready_.size() || decode())) {
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
    while (ready_.empty()) {
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
    mix_down(length);
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
    decoded_ += static_cast<dim_t>(length);
  }

  media_stream stream_;
  channel_choice choice_;
  audio_info info_;
  std::unique_ptr<SwrContext, detail::close_swr> converter_;
  int format_ = -1;            // that converter_ takes
  std::vector<float> planes_;  // [channels][samples of a frame]
  std::vector<float> ready_;   // samples not yet read, from taken_ on
  std::size_t taken_ = 0;
  dim_t decoded_ = 0;                                        // samples so far
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
