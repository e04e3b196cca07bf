// A film with another sound: its picture as it is, not encoded again.
#pragma once

#include <avss/io/media_stream.hpp>

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/dsp/resample.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

namespace detail {

struct close_output {
  void operator()(AVFormatContext* c) const {
    avio_closep(&c->pb);
    avformat_free_context(c);
  }
};

// What players expect in an mp4.
inline bool belongs_in_mp4(AVCodecID id) {
  return id == AV_CODEC_ID_H264 || id == AV_CODEC_ID_HEVC || id == AV_CODEC_ID_AV1 || id == AV_CODEC_ID_VP9 ||
         id == AV_CODEC_ID_MPEG4;
}

struct copy_container {
  const char *format, *extension;
};

// QuickTime films stay what they are: other containers have no place for what theirs says of some pictures, such as how many
// bits a pixel has.
inline copy_container choose_container(const media_stream& film) {
  constexpr copy_container mp4{"mp4", ".mp4"}, mov{"mov", ".mov"}, mkv{"matroska", ".mkv"};
  const AVCodecID id = film.codec().codec_id;
  const bool from_quicktime = std::string_view(film.format()).starts_with("mov");
  for (const copy_container& c : {mp4, from_quicktime ? mov : mkv, from_quicktime ? mkv : mov}) {
    if (c.format == std::string_view("mp4") && !belongs_in_mp4(id)) continue;
    const AVOutputFormat* format = av_guess_format(c.format, nullptr, nullptr);
    if (format && avformat_query_codec(format, id, FF_COMPLIANCE_NORMAL) == 1) return c;
  }
  fail(film.path().string(), ": neither an mp4, a mov nor an mkv file can hold its ", avcodec_get_name(id),
       " picture; convert the film first, for example with ffmpeg");
}

}  // namespace detail

// ".mp4", ".mkv" or, for what neither can hold, ".mov": what a copy of the film's picture should be called. Throws error as
// media_stream does, and where none of them can hold it.
inline std::string film_copy_extension(const std::filesystem::path& film) {
  return detail::choose_container(media_stream(film, media_kind::video)).extension;
}

// Copies the packets of a film's picture beside a sound that is given block by block and encoded as AAC. Picture and sound both
// begin at 0; nothing of the film is held but what the container needs to interleave the two.
class film_copy {
 public:
  // `begin`: when the film's picture begins, in seconds on its clock. `rate` in Hz, of one channel. The target, with the
  // ending that film_copy_extension says, is overwritten. Throws error as media_stream does, and where the target cannot be
  // written or has no place for such a picture.
  film_copy(const std::filesystem::path& film, double begin, std::filesystem::path target, int rate)
      : film_(film, media_kind::video), begin_(begin), target_(std::move(target)) {
    AVFormatContext* made = nullptr;
    refuse(avformat_alloc_output_context2(&made, nullptr, detail::choose_container(film_).format, nullptr));
    output_.reset(made);
    add_picture();
    add_sound(rate);
    refuse(avio_open(&output_->pb, ("file:" + target_.string()).c_str(), AVIO_FLAG_WRITE));
    const int code = avformat_write_header(output_.get(), nullptr);
    if (code < 0)
      fail(target_.string(), ": a ", avcodec_get_name(film_.codec().codec_id), " picture cannot be copied into it (",
           detail::av_message(code), "); convert the film first, for example with ffmpeg");
  }

  // The next samples of the sound.
  void write(std::span<const float> samples) {
    resampler_->push(samples, waiting_);
    encode_waiting();
  }

  // The rest of both. Throws error where the target could not be written whole.
  void finish() {
    resampler_->finish(waiting_);
    const std::size_t frame = static_cast<std::size_t>(encoder_->frame_size);
    if (waiting_.size() % frame != 0) waiting_.resize(waiting_.size() / frame * frame + frame, 0.f);
    encode_waiting();
    send(nullptr);
    copy_picture(std::numeric_limits<double>::infinity());
    refuse(av_write_trailer(output_.get()));
    avio_flush(output_->pb);
    refuse(output_->pb->error);
    refuse(avio_closep(&output_->pb));
  }

 private:
  [[noreturn]] void refuse_write(int code) const {
    fail(target_.string(), ": writing failed: ", detail::av_message(code), "; make room, or choose another folder");
  }
  void refuse(int code) const {
    if (code < 0) refuse_write(code);
  }

  AVStream& new_stream() {
    AVStream* s = avformat_new_stream(output_.get(), nullptr);
    if (!s) throw std::bad_alloc();
    return *s;
  }

  void add_picture() {
    const AVStream& from = film_.stream();
    AVStream& to = new_stream();
    refuse(avcodec_parameters_copy(to.codecpar, from.codecpar));
    // The other container's, unless both have it: some codecs have several, which say more than the codec's name.
    const unsigned tag = to.codecpar->codec_tag;
    if (av_codec_get_id(output_->oformat->codec_tag, tag) != to.codecpar->codec_id) to.codecpar->codec_tag = 0;
    to.time_base = from.time_base;
    to.avg_frame_rate = from.avg_frame_rate;
    to.sample_aspect_ratio = from.sample_aspect_ratio;
    // Which way is up.
    std::size_t size = 0;
    const std::uint8_t* matrix = av_stream_get_side_data(&from, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (!matrix) return;
    std::uint8_t* copy = av_stream_new_side_data(&to, AV_PKT_DATA_DISPLAYMATRIX, size);
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, matrix, size);
  }

  void add_sound(int rate) {
    const AVCodec* aac = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (!aac) fail(target_.string(), ": this FFmpeg has no AAC encoder; install Debian's libavcodec");
    int coded = 48000;
    for (const int* r = aac->supported_samplerates; r && *r; ++r)
      if (*r == rate) coded = rate;
    encoder_ = detail::owned(avcodec_alloc_context3(aac));
    encoder_->sample_rate = coded;
    encoder_->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder_->bit_rate = std::min(128000, 4 * coded);
    encoder_->time_base = {1, coded};
    av_channel_layout_default(&encoder_->ch_layout, 1);
    if (output_->oformat->flags & AVFMT_GLOBALHEADER) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    refuse(avcodec_open2(encoder_.get(), aac, nullptr));
    AVStream& to = new_stream();
    refuse(avcodec_parameters_from_context(to.codecpar, encoder_.get()));
    to.time_base = encoder_->time_base;
    resampler_.emplace(rate, coded);
    frame_ = detail::owned(av_frame_alloc());
    packet_ = detail::owned(av_packet_alloc());
  }

  void encode_waiting() {
    const std::size_t length = static_cast<std::size_t>(encoder_->frame_size);
    std::size_t taken = 0;
    for (; taken + length <= waiting_.size(); taken += length) {
      copy_picture(static_cast<double>(samples_) / encoder_->sample_rate);
      av_frame_unref(frame_.get());
      frame_->nb_samples = encoder_->frame_size;
      frame_->format = encoder_->sample_fmt;
      frame_->sample_rate = encoder_->sample_rate;
      refuse(av_channel_layout_copy(&frame_->ch_layout, &encoder_->ch_layout));
      refuse(av_frame_get_buffer(frame_.get(), 0));
      std::copy_n(waiting_.begin() + static_cast<std::ptrdiff_t>(taken), length, reinterpret_cast<float*>(frame_->data[0]));
      frame_->pts = samples_;
      samples_ += encoder_->frame_size;
      send(frame_.get());
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
  }

  // frame: null for the end
  void send(const AVFrame* frame) {
    refuse(avcodec_send_frame(encoder_.get(), frame));
    for (;;) {
      const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      refuse(code);
      packet_->stream_index = 1;
      av_packet_rescale_ts(packet_.get(), encoder_->time_base, output_->streams[1]->time_base);
      refuse(av_interleaved_write_frame(output_.get(), packet_.get()));
    }
  }

  // Packets of the picture up to a time.
  void copy_picture(double until) {
    const AVRational from = film_.stream().time_base;
    const std::int64_t begin = std::llround(begin_ / av_q2d(from));
    while (!ended_ && reached_ <= until) {
      AVPacket* p = film_.next_packet();
      if (!p) {
        ended_ = true;
        return;
      }
      complete(*p);
      reached_ = static_cast<double>(p->dts - begin) * av_q2d(from);
      p->pts -= begin, p->dts -= begin;
      p->stream_index = 0;
      p->pos = -1;
      av_packet_rescale_ts(p, from, output_->streams[0]->time_base);
      refuse(av_interleaved_write_frame(output_.get(), p));
    }
  }

  // Some containers leave times out; they rise from packet to packet in the order of decoding.
  void complete(AVPacket& p) {
    if (p.dts == AV_NOPTS_VALUE) p.dts = last_ == AV_NOPTS_VALUE ? (p.pts == AV_NOPTS_VALUE ? 0 : p.pts) : last_ + usual_;
    if (last_ != AV_NOPTS_VALUE && p.dts <= last_) p.dts = last_ + 1;
    if (p.pts == AV_NOPTS_VALUE || p.pts < p.dts) p.pts = p.dts;
    if (p.duration > 0) usual_ = p.duration;
    last_ = p.dts;
  }

  media_stream film_;
  double begin_;
  std::filesystem::path target_;
  std::unique_ptr<AVFormatContext, detail::close_output> output_;
  detail::av_handle<AVCodecContext> encoder_;
  detail::av_handle<AVFrame> frame_;
  detail::av_handle<AVPacket> packet_;
  std::optional<resampler<float>> resampler_;
  std::vector<float> waiting_;                      // samples at the encoder's rate
  std::int64_t samples_ = 0;                        // encoded so far
  std::int64_t last_ = AV_NOPTS_VALUE, usual_ = 1;  // of the picture's packets, in the film's units
  double reached_ = 0;                              // s, of the last packet of the picture
  bool ended_ = false;
};

}  // namespace avss
