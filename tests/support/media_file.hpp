// Media files of any container and codec of FFmpeg, for tests of what reads them.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
}

#include <algorithm>
#include <avss/video/picture.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace avss::testing {

// Writes one file: the container is chosen by the name's extension, each stream is written whole, one after the other.
class media_file {
 public:
  explicit media_file(const std::filesystem::path& path) {
    check(avformat_alloc_output_context2(&container_, nullptr, nullptr, path.c_str()), "container");
    check(avio_open(&container_->pb, path.c_str(), AVIO_FLAG_WRITE), "file");
  }
  media_file(const media_file&) = delete;
  media_file& operator=(const media_file&) = delete;
  ~media_file() {
    for (AVCodecContext* e : encoders_) avcodec_free_context(&e);
    avio_closep(&container_->pb);
    avformat_free_context(container_);
  }

  // samples: [frames][channels]
  media_file& add_sound(AVCodecID codec, int rate, std::vector<float> samples, int channels = 1) {
    AVCodecContext* e = make_encoder(codec);
    e->sample_rate = rate;
    e->sample_fmt = e->codec->sample_fmts[0];
    av_channel_layout_default(&e->ch_layout, channels);
    e->time_base = {1, rate};
    add_stream(e);
    sounds_.emplace_back(encoders_.size() - 1, std::move(samples));
    return *this;
  }

  // 25 frames a second of black with a white stripe that moves down, in QuickTime's animation codec, with 32 bits a pixel.
  media_file& add_animation(int count) {
    AVCodecContext* e = make_encoder(AV_CODEC_ID_QTRLE);
    e->width = 64, e->height = 48, e->pix_fmt = AV_PIX_FMT_ARGB, e->time_base = {1, 25};
    add_stream(e);
    pictures_.emplace_back(encoders_.size() - 1, count);
    return *this;
  }

  // Grey pictures that grow lighter.
  media_file& add_pictures(AVCodecID codec, int fps, int count) {
    AVCodecContext* e = make_encoder(codec);
    e->width = 64, e->height = 48, e->pix_fmt = AV_PIX_FMT_YUV420P, e->time_base = {1, fps};
    add_stream(e);
    pictures_.emplace_back(encoders_.size() - 1, count);
    return *this;
  }

  // Pictures at their times, in milliseconds, that rise; all of the first one's size, which is even. `turned`: degrees
  // clockwise by which the film is to be shown.
  media_file& add_film(AVCodecID codec, std::vector<grey_picture> pictures, std::vector<std::int64_t> times, int turned = 0) {
    AVCodecContext* e = make_encoder(codec);
    e->width = static_cast<int>(pictures.front().width), e->height = static_cast<int>(pictures.front().height);
    e->pix_fmt = codec == AV_CODEC_ID_MJPEG ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P, e->time_base = {1, 1000};
    e->bit_rate = 4'000'000, e->gop_size = 12, e->max_b_frames = b_frames_;
    e->sample_aspect_ratio = shape_;
    add_stream(e);
    if (turned != 0) {
      auto* matrix = reinterpret_cast<std::int32_t*>(av_stream_new_side_data(
          container_->streams[container_->nb_streams - 1], AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(std::int32_t)));
      av_display_rotation_set(matrix, turned);
    }
    films_.push_back({encoders_.size() - 1, std::move(pictures), std::move(times)});
    return *this;
  }
  // 25 frames a second.
  media_file& add_film(AVCodecID codec, std::vector<grey_picture> pictures) {
    std::vector<std::int64_t> times;
    for (std::size_t i = 0; i < pictures.size(); ++i) times.push_back(static_cast<std::int64_t>(40 * i));
    return add_film(codec, std::move(pictures), std::move(times));
  }
  // Sound begins that much later than the clock.
  media_file& delay_sound(double seconds) {
    sound_delay_ = seconds;
    return *this;
  }
  // Of films that are added later: pixels so many times as wide as high.
  media_file& pixel_shape(int width, int height) {
    shape_ = {width, height};
    return *this;
  }
  // Of films that are added later: so many frames between two others are coded after the second one.
  media_file& b_frames(int count) {
    b_frames_ = count;
    return *this;
  }
  // What sounds from a time on sounds that much later, or, with less than 0, is said to: pieces overlap. Once.
  media_file& move_sound(double from, double by) {
    moved_from_ = from, moved_by_ = by;
    return *this;
  }
  // The clock of the file begins later: of sound and pictures.
  media_file& delay_all(double seconds) {
    delay_ = seconds;
    return *this;
  }

  void write() {
    check(avformat_write_header(container_, nullptr), "header");
    for (const auto& [stream, samples] : sounds_) write_sound(stream, samples);
    for (const auto& [stream, count] : pictures_) write_pictures(stream, count);
    for (const film& f : films_) write_film(f);
    check(av_write_trailer(container_), "trailer");
  }

 private:
  static void check(int code, const char* what) {
    if (code < 0) throw std::runtime_error(std::string("a test's media file: ") + what + " fails");
  }

  AVCodecContext* make_encoder(AVCodecID id) {
    const AVCodec* codec = avcodec_find_encoder(id);
    check(codec ? 0 : -1, "finding the encoder");
    encoders_.push_back(avcodec_alloc_context3(codec));
    return encoders_.back();
  }

  void add_stream(AVCodecContext* e) {
    if (container_->oformat->flags & AVFMT_GLOBALHEADER) e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    check(avcodec_open2(e, e->codec, nullptr), "encoder");
    AVStream* s = avformat_new_stream(container_, nullptr);
    s->time_base = e->time_base;
    check(avcodec_parameters_from_context(s->codecpar, e), "stream");
    s->sample_aspect_ratio = e->sample_aspect_ratio;
  }

  void encode(std::size_t stream, const AVFrame* frame) {
    AVCodecContext* e = encoders_[stream];
    check(avcodec_send_frame(e, frame), "encoding");
    AVPacket* packet = av_packet_alloc();
    while (avcodec_receive_packet(e, packet) == 0) {
      packet->stream_index = static_cast<int>(stream);
      const std::int64_t shift = std::llround(delay_ / av_q2d(e->time_base));
      if (packet->pts != AV_NOPTS_VALUE) packet->pts += shift;
      if (packet->dts != AV_NOPTS_VALUE) packet->dts += shift;
      if (packet->duration == 0) packet->duration = 1;
      av_packet_rescale_ts(packet, e->time_base, container_->streams[stream]->time_base);
      check(av_interleaved_write_frame(container_, packet), "writing");
    }
    av_packet_free(&packet);
  }

  static void store(AVFrame& frame, int channel, int channels, int at, float value) {
    const bool planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format));
    std::uint8_t* plane = frame.extended_data[planar ? channel : 0];
    const int index = planar ? at : at * channels + channel;
    if (av_get_packed_sample_fmt(static_cast<AVSampleFormat>(frame.format)) == AV_SAMPLE_FMT_S16)
      reinterpret_cast<std::int16_t*>(plane)[index] = static_cast<std::int16_t>(std::lrint(value * 32767));
    else
      reinterpret_cast<float*>(plane)[index] = value;
  }

  void write_sound(std::size_t stream, const std::vector<float>& samples) {
    AVCodecContext* e = encoders_[stream];
    const int channels = e->ch_layout.nb_channels, size = e->frame_size > 0 ? e->frame_size : 1024;
    const int length = static_cast<int>(samples.size()) / channels;
    for (int at = 0; at < length; at += size) {
      AVFrame* frame = av_frame_alloc();
      frame->nb_samples = std::min(size, length - at), frame->format = e->sample_fmt, frame->sample_rate = e->sample_rate;
      av_channel_layout_copy(&frame->ch_layout, &e->ch_layout);
      const double moved = at >= moved_from_ * e->sample_rate ? moved_by_ : 0;
      frame->pts = at + std::lround((sound_delay_ + moved) * e->sample_rate);
      check(av_frame_get_buffer(frame, 0), "memory");
      for (int i = 0; i < frame->nb_samples; ++i)
        for (int c = 0; c < channels; ++c)
          store(*frame, c, channels, i, samples[static_cast<std::size_t>((at + i) * channels + c)]);
      encode(stream, frame);
      av_frame_free(&frame);
    }
    encode(stream, nullptr);
  }

  void write_pictures(std::size_t stream, int count) {
    const AVCodecContext* e = encoders_[stream];
    for (int n = 0; n < count; ++n) {
      AVFrame* frame = av_frame_alloc();
      frame->width = e->width, frame->height = e->height, frame->format = e->pix_fmt, frame->pts = n;
      check(av_frame_get_buffer(frame, 0), "memory");
      if (e->pix_fmt == AV_PIX_FMT_ARGB) {
        std::memset(frame->data[0], 0, static_cast<std::size_t>(frame->linesize[0] * e->height));
        std::memset(frame->data[0] + n % e->height * frame->linesize[0], 255, static_cast<std::size_t>(4 * e->width));
      }
      for (int plane = 0; plane < 3 && frame->data[plane] && e->pix_fmt != AV_PIX_FMT_ARGB; ++plane)
        std::memset(frame->data[plane], plane == 0 ? 4 * n % 256 : 128,
                    static_cast<std::size_t>(frame->linesize[plane] * (plane == 0 ? e->height : e->height / 2)));
      encode(stream, frame);
      av_frame_free(&frame);
    }
    encode(stream, nullptr);
  }

  struct film {
    std::size_t stream;
    std::vector<grey_picture> pictures;
    std::vector<std::int64_t> times;  // ms
  };

  void write_film(const film& f) {
    const AVCodecContext* e = encoders_[f.stream];
    const bool full = e->pix_fmt == AV_PIX_FMT_YUVJ420P;
    for (std::size_t n = 0; n < f.pictures.size(); ++n) {
      AVFrame* frame = av_frame_alloc();
      frame->width = e->width, frame->height = e->height, frame->format = e->pix_fmt, frame->pts = f.times[n];
      check(av_frame_get_buffer(frame, 0), "memory");
      const grey_picture& p = f.pictures[n];
      for (std::size_t y = 0; y < p.height; ++y)
        for (std::size_t x = 0; x < p.width; ++x) {
          const int grey = p.pixels[y * p.width + x];
          frame->data[0][y * static_cast<std::size_t>(frame->linesize[0]) + x] =
              static_cast<std::uint8_t>(full ? grey : 16 + (grey * 219 + 127) / 255);
        }
      for (int plane = 1; plane < 3; ++plane)
        std::memset(frame->data[plane], 128, static_cast<std::size_t>(frame->linesize[plane] * (e->height / 2)));
      encode(f.stream, frame);
      av_frame_free(&frame);
    }
    encode(f.stream, nullptr);
  }

  AVFormatContext* container_ = nullptr;
  double sound_delay_ = 0, moved_from_ = 0, moved_by_ = 0, delay_ = 0;  // s
  int b_frames_ = 0;
  AVRational shape_{0, 1};
  std::vector<AVCodecContext*> encoders_;
  std::vector<std::pair<std::size_t, std::vector<float>>> sounds_;  // stream, samples
  std::vector<std::pair<std::size_t, int>> pictures_;               // stream, number
  std::vector<film> films_;
};

}  // namespace avss::testing
