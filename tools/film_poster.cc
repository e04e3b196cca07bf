#include "tools/film_poster.hpp"

#include <algorithm>
#include <array>
#include <avss/io/media_video.hpp>
#include <avss/report/colour_map.hpp>
#include <avss/report/png.hpp>
#include <avss/video/picture.hpp>
#include <cstddef>
#include <cstdint>

namespace avss::tools {
namespace {

// Means of squares of `by` x `by` pixels.
indexed_picture smaller(const grey_picture& p, std::size_t by) {
  indexed_picture out{std::max<std::size_t>(1, p.width / by), std::max<std::size_t>(1, p.height / by), {}};
  out.pixels.reserve(out.width * out.height);
  for (std::size_t y = 0; y < out.height; ++y)
    for (std::size_t x = 0; x < out.width; ++x) {
      std::size_t sum = 0, count = 0;
      for (std::size_t v = y * by; v < std::min(p.height, (y + 1) * by); ++v)
        for (std::size_t u = x * by; u < std::min(p.width, (x + 1) * by); ++u) sum += p.pixels[v * p.width + u], ++count;
      out.pixels.push_back(static_cast<std::uint8_t>(sum / count));
    }
  return out;
}

}  // namespace

std::string film_poster(const std::filesystem::path& film, double seconds) {
  constexpr std::size_t widest = 640;
  media_video_reader reader(film);
  video_frame f;
  reader.next(f);
  const double until = f.time + seconds;
  while (f.time + f.length <= until && reader.next(f)) {
  }
  colour_table greys;
  for (std::size_t i = 0; i < greys.size(); ++i) greys[i].fill(static_cast<std::uint8_t>(i));
  return encode_png(smaller(f.picture, (f.picture.width + widest - 1) / widest), greys);
}

std::string codec_that_browsers_lack(const std::filesystem::path& film) {
  constexpr std::array known{AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_VP8, AV_CODEC_ID_VP9, AV_CODEC_ID_AV1};
  const AVCodecID id = media_stream(film, media_kind::video).codec().codec_id;
  return std::find(known.begin(), known.end(), id) != known.end() ? "" : avcodec_get_name(id);
}

}  // namespace avss::tools
