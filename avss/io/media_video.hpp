// The pictures of any film that FFmpeg decodes, in grey, one at a time.
#pragma once

#include <avss/io/media_stream.hpp>

extern "C" {
#include <libavutil/display.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/video/picture.hpp>
#include <avss/video/steady_frames.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace avss {

namespace detail {

struct close_sws {
  void operator()(SwsContext* c) const { sws_freeContext(c); }
};

// Quarter turns clockwise by which a stream is to be shown; telephones held upright write films that lie.
inline int quarter_turns(const AVStream& stream) {
  const std::uint8_t* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
  if (!matrix) return 0;
  const double anticlockwise = av_display_rotation_get(reinterpret_cast<const std::int32_t*>(matrix));
  return std::isnan(anticlockwise) ? 0 : ((static_cast<int>(std::lround(-anticlockwise / 90)) % 4) + 4) % 4;
}

inline grey_picture turned(const grey_picture& p, int quarters) {
  grey_picture out{quarters % 2 ? p.height : p.width, quarters % 2 ? p.width : p.height, {}};
  out.pixels.resize(p.pixels.size());
  for (std::size_t y = 0; y < out.height; ++y)
    for (std::size_t x = 0; x < out.width; ++x) {
      const std::size_t from_x = quarters == 1 ? y : quarters == 2 ? p.width - 1 - x : p.width - 1 - y;
      const std::size_t from_y = quarters == 1 ? p.height - 1 - x : quarters == 2 ? p.height - 1 - y : x;
      out.pixels[y * out.width + x] = p.pixels[from_y * p.width + from_x];
    }
  return out;
}

}  // namespace detail

// Frames in the order in which they are shown, upright, all of the first one's size and of square pixels: where the film's are
// not, they are made wider or higher, never fewer. Grey is luma stretched to 0 .. 255, as
// conversion to colours and from there to grey by ITU-R BT.601 gives it.
class media_video_reader {
 public:
  // Longer pauses between two frames are an error of the time stamps, which would fill memory with repeated frames.
  static constexpr double longest_pause = 60;  // s

  // Throws error as media_stream does, and where the file is a picture or has only one, of its cover.
  explicit media_video_reader(std::filesystem::path path) : stream_(std::move(path), media_kind::video) {
    if (std::string_view(stream_.format()).ends_with("_pipe") || std::string_view(stream_.format()) == "image2")
      fail(where(), ": is a single picture (", stream_.codec().codec->name,
           "), expected a film; give the video it was taken from");
    if (stream_.stream().disposition & AV_DISPOSITION_ATTACHED_PIC)
      fail(where(), ": has no video stream but the picture of its cover; give the film with the faces");
    turns_ = detail::quarter_turns(stream_.stream());
    const AVRational rate = stream_.stream().avg_frame_rate;
    usual_ = rate.num > 0 && rate.den > 0 ? std::clamp(av_q2d(av_inv_q(rate)), 0.001, 1.) : 0.04;
  }

  const std::filesystem::path& path() const { return stream_.path(); }
  double seconds() const { return stream_.seconds(); }  // as the header or the size says, 0: unknown
  // When the picture begins, in seconds on the clock of the file (media_audio.hpp has the sound's); NaN if the file does not
  // say. steady_frames::start tells it of the frames themselves.
  double starts() const { return stream_.starts(); }

  // Frames so far that could not be decoded whole.
  std::size_t damaged() const { return stream_.damaged(); }

  // False at the end, and f is untouched. Times do not fall; frames without one follow at the usual distance.
  bool next(video_frame& f) {
    const AVFrame* frame = stream_.next();
    if (!frame) {
      if (count_ == 0) fail(where(), ": has a header but not a single frame; copy or convert it again");
      return false;
    }
    double time = stream_.time_of(*frame);
    if (std::isnan(time)) time = count_ == 0 ? 0 : last_ + length_;
    if (count_ > 0) time = std::max(time, last_);
    if (count_ > 0 && time - last_ > longest_pause)
      fail(where(), ": its picture pauses for ", time - last_, " s, at ", last_, " s; expected at most ", longest_pause,
           "; its time stamps are damaged, convert it, for example with ffmpeg");
    if (count_ == 0) first_ = time;
    last_ = time;
    // Some containers count in milliseconds and give every frame one: what the frames before had tells better.
    const double usual = count_ > 0 && time > first_ ? (time - first_) / static_cast<double>(count_) : usual_;
    const double said = static_cast<double>(frame->pkt_duration) * av_q2d(stream_.stream().time_base);
    length_ = said > usual / 2 && said < longest_pause ? said : usual;
    f.time = time, f.length = length_;
    convert(*frame, f.picture);
    ++count_;
    return true;
  }

 private:
  std::string where() const { return stream_.path().string(); }

  // What the container says of the pixels' shape goes before what the codec says. Nobody makes pixels more than `oddest` times
  // as long as wide: then they are taken for square, as players do.
  void choose_size(const AVFrame& frame) {
    width_ = frame.width, height_ = frame.height;
    const AVRational said =
        stream_.stream().sample_aspect_ratio.num > 0 ? stream_.stream().sample_aspect_ratio : frame.sample_aspect_ratio;
    constexpr double oddest = 8;
    const double shape = said.num > 0 && said.den > 0 ? av_q2d(said) : 1;
    if (!(shape > 1 / oddest && shape < oddest)) return;
    const long width = std::lround(width_ * std::max(1., shape)), height = std::lround(height_ / std::min(1., shape));
    if (width <= 1 << 14 && height <= 1 << 14) width_ = static_cast<int>(width), height_ = static_cast<int>(height);
  }

  void convert(const AVFrame& frame, grey_picture& out) {
    if (frame.width <= 0 || frame.height <= 0 || frame.width > 1 << 14 || frame.height > 1 << 14)
      fail(where(), ": has frames of ", frame.width, " x ", frame.height, "; expected 1 to ", 1 << 14, " pixels each way");
    if (count_ == 0) choose_size(frame);
    scaler_.reset(sws_getCachedContext(scaler_.release(), frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
                                       width_, height_, AV_PIX_FMT_GRAY8, SWS_BILINEAR | SWS_ACCURATE_RND, nullptr, nullptr,
                                       nullptr));
    if (!scaler_) stream_.refuse_data(AVERROR(EINVAL));
    const int* coefficients = sws_getCoefficients(SWS_CS_ITU601);
    const bool full = frame.color_range == AVCOL_RANGE_JPEG;
    // False where the format has no choice of range, and needs none.
    (void)sws_setColorspaceDetails(scaler_.get(), coefficients, full, coefficients, 1, 0, 1 << 16, 1 << 16);
    grey_picture& to = turns_ == 0 ? out : lying_;
    to.width = static_cast<std::size_t>(width_), to.height = static_cast<std::size_t>(height_);
    // FFmpeg may write whole vectors at the end of a line.
    const std::size_t stride = (to.width + 63) / 64 * 64;
    lines_.resize(stride * to.height + 64);
    std::uint8_t* planes[4] = {lines_.data(), nullptr, nullptr, nullptr};
    const int strides[4] = {static_cast<int>(stride), 0, 0, 0};
    if (sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides) != height_)
      stream_.refuse_data(AVERROR_BUG);
    to.pixels.resize(to.width * to.height);
    for (std::size_t y = 0; y < to.height; ++y)
      std::copy_n(lines_.data() + y * stride, to.width, to.pixels.data() + y * to.width);
    if (turns_ != 0) out = detail::turned(lying_, turns_);
  }

  media_stream stream_;
  std::unique_ptr<SwsContext, detail::close_sws> scaler_;
  std::vector<std::uint8_t> lines_;
  grey_picture lying_;
  int turns_ = 0, width_ = 0, height_ = 0;
  double usual_ = 0.04, first_ = 0, last_ = 0, length_ = 0;  // s
  std::size_t count_ = 0;
};

}  // namespace avss
