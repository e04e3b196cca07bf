// One stream of a media file, decoded frame by frame with FFmpeg's libraries: what readers of sound (media_audio.hpp) and
// of pictures stand on. Debian's FFmpeg is under the GPL, version 2 or later; nothing else in avss/io includes it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/audio_reader.hpp>
#include <avss/io/read_file.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#if LIBAVCODEC_VERSION_INT < AV_VERSION_INT(59, 37, 100)
#error "avss: the media reader needs FFmpeg 5.1 or newer"
#endif

namespace avss {

enum class media_kind { audio = AVMEDIA_TYPE_AUDIO, video = AVMEDIA_TYPE_VIDEO };

namespace detail {

struct close_av {
  void operator()(AVFormatContext* c) const { avformat_close_input(&c); }
  void operator()(AVCodecContext* c) const { avcodec_free_context(&c); }
  void operator()(AVFrame* f) const { av_frame_free(&f); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(AVIOContext* c) const {
    av_freep(&c->buffer);
    avio_context_free(&c);
  }
};
template <class T>
using av_handle = std::unique_ptr<T, close_av>;

template <class T>
av_handle<T> owned(T* made) {
  if (!made) throw std::bad_alloc();
  return av_handle<T>(made);
}

inline std::string av_message(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

inline int read_some(void* fd, std::uint8_t* to, int size) {
  ssize_t n = 0;
  do n = ::read(*static_cast<const int*>(fd), to, static_cast<std::size_t>(size));
  while (n < 0 && errno == EINTR);
  return n > 0 ? static_cast<int>(n) : n == 0 ? AVERROR_EOF : AVERROR(errno);
}

inline std::int64_t seek_to(void* fd, std::int64_t offset, int whence) {
  const int file = *static_cast<const int*>(fd);
  if (whence & AVSEEK_SIZE) {
    const off_t at = ::lseek(file, 0, SEEK_CUR), size = ::lseek(file, 0, SEEK_END);
    ::lseek(file, at, SEEK_SET);
    return size < 0 ? AVERROR(errno) : size;
  }
  const off_t at = ::lseek(file, offset, whence & ~AVSEEK_FORCE);
  return at < 0 ? AVERROR(errno) : at;
}

}  // namespace detail

// Opens a regular file and decodes its best stream of a kind, from the beginning to the end. Play lists and the like that
// name other files or addresses are refused: nothing but the file itself is ever read. FFmpeg's own lines on the standard
// error are switched off for the process, unless the program has chosen a level for them. Not for concurrent use.
class media_stream {
 public:
  // Throws error if the file is missing, empty, no media, truncated as far as its header tells, or has no such stream.
  media_stream(std::filesystem::path path, media_kind kind) : path_(std::move(path)) {
    if (av_log_get_level() == AV_LOG_INFO) av_log_set_level(AV_LOG_QUIET);
    open_file();
    open_container();
    open_decoder(kind);
  }
  media_stream(const media_stream&) = delete;
  media_stream& operator=(const media_stream&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const AVCodecContext& codec() const { return *decoder_; }
  // What the header says, or the file's size if it says nothing; 0: unknown.
  double seconds() const {
    if (container_->duration <= 0) return 0;
    const double length = static_cast<double>(container_->duration) / AV_TIME_BASE;
    // Theirs counts from 0 of a clock that may begin later.
    const std::string_view name = format();
    const bool late = (name.starts_with("matroska") || name.starts_with("mov")) && container_->start_time > 0;
    const double begins = late ? static_cast<double>(container_->start_time) / AV_TIME_BASE : 0;
    return begins < length ? length - begins : length;
  }

  // When the stream begins, in seconds on the clock that all streams of the file share; NaN if the file does not say. Sound
  // and picture need not begin together.
  double starts() const {
    return stream().start_time == AV_NOPTS_VALUE ? std::numeric_limits<double>::quiet_NaN()
                                                 : static_cast<double>(stream().start_time) * av_q2d(stream().time_base);
  }
  const AVStream& stream() const { return *container_->streams[index_]; }
  const char* format() const { return container_->iformat->name; }  // FFmpeg's name of the container

  // Frames so far whose decoder met damage, and made up what it could not read.
  std::size_t damaged() const { return damaged_; }

  // The next frame, valid until the next call; null at the end. Throws error where the file is damaged, and where it ends
  // before its header says.
  const AVFrame* next() {
    for (;;) {
      const int code = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (code == 0) {
        if (frame_->decode_error_flags != 0 || (frame_->flags & AV_FRAME_FLAG_CORRUPT)) ++damaged_;
        return frame_.get();
      }
      if (code == AVERROR_EOF) return nullptr;
      if (code != AVERROR(EAGAIN)) refuse_data(code);
      feed();
    }
  }

  // In place of next(): the stream's next packet as the file has it, not decoded, valid until the next call; null at the end.
  // Throws error as next() does.
  AVPacket* next_packet() {
    av_packet_unref(packet_.get());
    return read_packet() ? packet_.get() : nullptr;
  }

  // When a frame begins, in seconds on the clock that all streams of the file share; NaN if the file does not say.
  double time_of(const AVFrame& frame) const {
    return frame.best_effort_timestamp == AV_NOPTS_VALUE
               ? std::numeric_limits<double>::quiet_NaN()
               : static_cast<double>(frame.best_effort_timestamp) * av_q2d(stream().time_base);
  }

  [[noreturn]] void refuse_data(int code) const {
    fail(path_.string(), ": is damaged or truncated after ", seconds_text(reached_), " s (", detail::av_message(code),
         "); copy or convert it again");
  }

 private:
  static std::string seconds_text(double s) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", s);
    return text;
  }

  void open_file() {
    const std::size_t size = input_file(path_.string()).size();
    if (size == 0) fail(path_.string(), ": is empty (0 bytes); expected a media file, copy or convert it again");
    file_ = detail::descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file_.get() < 0) fail(path_.string(), ": cannot be opened for reading: ", detail::system_message(errno));
    detail::refuse_truncated(path_, file_.get(), size);
    fd_ = file_.get();
    constexpr int buffer = 1 << 16;
    auto* bytes = static_cast<unsigned char*>(av_malloc(buffer));
    if (!bytes) throw std::bad_alloc();
    io_ = detail::owned(avio_alloc_context(bytes, buffer, 0, &fd_, detail::read_some, nullptr, detail::seek_to));
  }

  void open_container() {
    AVFormatContext* c = avformat_alloc_context();
    if (!c) throw std::bad_alloc();
    c->pb = io_.get();
    // A play list's demuxer may open what it names by this call, or within a container of its own that inherits the list.
    c->io_open = [](AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) { return AVERROR(EPERM); };
    c->protocol_whitelist = av_strdup("none");
    int code = avformat_open_input(&c, path_.c_str(), nullptr, nullptr);  // frees c where it fails
    if (code == 0) {
      container_.reset(c);
      code = avformat_find_stream_info(c, nullptr);
    }
    if (code < 0)
      fail(path_.string(), ": is no sound or film that can be read (", detail::av_message(code),
           "); copy it again if it is one, else convert it, for example with ffmpeg");
  }

  void open_decoder(media_kind kind) {
    const AVCodec* codec = nullptr;
    index_ = static_cast<unsigned>(
        std::max(-1, av_find_best_stream(container_.get(), static_cast<AVMediaType>(kind), -1, -1, &codec, 0)));
    if (index_ >= container_->nb_streams) refuse_streams(kind);
    decoder_ = detail::owned(avcodec_alloc_context3(codec));
    decoder_->pkt_timebase = stream().time_base;
    int code = avcodec_parameters_to_context(decoder_.get(), stream().codecpar);
    if (code >= 0) code = avcodec_open2(decoder_.get(), codec, nullptr);
    if (code < 0)
      fail(path_.string(), ": its ", codec->name, " stream cannot be decoded (", detail::av_message(code),
           "); convert it, for example with ffmpeg");
    packet_ = detail::owned(av_packet_alloc());
    frame_ = detail::owned(av_frame_alloc());
  }

  [[noreturn]] void refuse_streams(media_kind kind) const {
    std::string found;
    for (unsigned i = 0; i < container_->nb_streams; ++i) {
      const AVCodecParameters& p = *container_->streams[i]->codecpar;
      const char* type = av_get_media_type_string(p.codec_type);
      found += (found.empty() ? "" : ", ") + std::string(type ? type : "unknown") + " (" + avcodec_get_name(p.codec_id) + ")";
    }
    fail(path_.string(), ": has no ", av_get_media_type_string(static_cast<AVMediaType>(kind)),
         " stream that can be decoded, found ", found.empty() ? "none at all" : found);
  }

  // Gives the decoder a packet of the stream, or tells it that there are no more.
  void feed() {
    const bool more = read_packet();
    const int sent = avcodec_send_packet(decoder_.get(), more ? packet_.get() : nullptr);
    av_packet_unref(packet_.get());
    if (more && sent < 0) refuse_data(sent);
  }

  // The stream's next packet into packet_; false at the end.
  bool read_packet() {
    for (;;) {
      const int code = av_read_frame(container_.get(), packet_.get());
      if (code == AVERROR_EOF) {
        if (io_->error < 0) fail(path_.string(), ": cannot be read: ", detail::av_message(io_->error));
        refuse_early_end();
        return false;
      }
      if (code < 0) refuse_data(code);
      note_end();
      if (static_cast<unsigned>(packet_->stream_index) == index_) {
        if (packet_->flags & AV_PKT_FLAG_CORRUPT) refuse_data(AVERROR_INVALIDDATA);
        return true;
      }
      av_packet_unref(packet_.get());
    }
  }

  // How far the packets of all streams reach, which is what the header's length is about.
  void note_end() {
    const std::int64_t at = packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts;
    if (at == AV_NOPTS_VALUE) return;
    const AVStream& s = *container_->streams[packet_->stream_index];
    double end = static_cast<double>(at + std::max<std::int64_t>(0, packet_->duration)) * av_q2d(s.time_base);
    if (container_->start_time != AV_NOPTS_VALUE) end -= static_cast<double>(container_->start_time) / AV_TIME_BASE;
    reached_ = std::max(reached_, end);
  }

  // Many demuxers take a cut file for one that ends.
  void refuse_early_end() const {
    if (container_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM || container_->duration <= 0) return;
    const double tolerance = std::max(0.5, 0.01 * seconds());  // headers round, last frames have unknown lengths
    if (reached_ + tolerance < seconds())
      fail(path_.string(), ": is truncated: its header promises ", seconds_text(seconds()), " s and it ends after ",
           seconds_text(reached_), " s; copy or convert it again");
  }

  std::filesystem::path path_;
  detail::descriptor file_;
  int fd_ = -1;  // where the callbacks find it
  detail::av_handle<AVIOContext> io_;
  detail::av_handle<AVFormatContext> container_;  // before io_, which it uses to its end
  detail::av_handle<AVCodecContext> decoder_;
  detail::av_handle<AVPacket> packet_;
  detail::av_handle<AVFrame> frame_;
  unsigned index_ = 0;  // of the stream
  double reached_ = 0;  // s
  std::size_t damaged_ = 0;
};

}  // namespace avss
