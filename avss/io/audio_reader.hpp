// Audio files as mono samples, block by block: wav, flac, ogg and mp3 through libsndfile.
#pragma once

#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// What to do with a file of several channels where one is wanted.
enum class channel_choice { refuse, first, mean };

// Hz; beyond them a header is damaged, or no recording is meant.
inline constexpr int lowest_rate = 1000, highest_rate = 768000;

struct audio_info {
  int rate = 0;      // Hz
  int channels = 0;  // in the file
  dim_t frames = 0;  // samples of each channel
  double seconds() const { return static_cast<double>(frames) / rate; }
};

namespace detail {

// Owns a file descriptor.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct close_sndfile {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using sndfile_handle = std::unique_ptr<SNDFILE, close_sndfile>;

inline std::string system_message(int code) { return std::string(std::strerror(code)); }

// Why the last sf_open_fd failed, on one line.
inline std::string sndfile_message() {
  std::string reason = sf_strerror(nullptr);
  while (!reason.empty() && (reason.back() == '\n' || reason.back() == '.')) reason.pop_back();
  // libsndfile's answer to an mp3 that is too short to be recognised would send the reader after the wrong cause.
  return reason.starts_with("File does not exist") ? "unknown format" : reason;
}

// Opens a regular, non-empty file for reading; `size` receives its bytes.
inline descriptor open_audio(const std::filesystem::path& path, std::uint64_t& size) {
  descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));  // a fifo must not hang us
  if (file.get() < 0) {
    const int code = errno;
    if (code == ENOENT) fail(path.string(), ": no such file; expected an audio file (wav, flac, ogg or mp3)");
    fail(path.string(), ": cannot be opened for reading: ", system_message(code));
  }
  struct stat status;
  if (::fstat(file.get(), &status) != 0) fail(path.string(), ": cannot be examined: ", system_message(errno));
  if (S_ISDIR(status.st_mode)) fail(path.string(), ": is a folder; expected an audio file (wav, flac, ogg or mp3)");
  if (!S_ISREG(status.st_mode)) fail(path.string(), ": is not a regular file; expected an audio file (wav, flac, ogg or mp3)");
  if (status.st_size == 0) fail(path.string(), ": is empty (0 bytes); expected an audio file, copy or convert it again");
  size = static_cast<std::uint64_t>(status.st_size);
  return file;
}

// Throws if the last page of an ogg file is cut or does not end its stream: libsndfile silently shortens those.
inline void refuse_truncated_ogg(const std::filesystem::path& path, int fd, std::uint64_t size) {
  constexpr std::uint64_t header = 27, longest_page = header + 255 + 255 * 255;
  std::vector<char> bytes(static_cast<std::size_t>(std::min(size, 2 * longest_page)));
  if (::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(size - bytes.size())) != static_cast<ssize_t>(bytes.size()))
    return;
  const std::string_view end(bytes.data(), bytes.size());
  const std::size_t at = end.rfind(std::string_view("OggS\0", 5));  // 0: the format's only version
  if (at == std::string_view::npos) return;
  const std::string_view page = end.substr(at);
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(page[i]); };
  bool whole = page.size() >= header && page.size() >= header + byte(26);
  if (whole) {
    std::size_t length = header + byte(26);
    for (std::size_t i = 0; i < byte(26); ++i) length += byte(header + i);
    whole = page.size() >= length;
  }
  if (!whole) fail(path.string(), ": is truncated: its last page is cut; copy or convert it again");
  if (!(byte(5) & 4)) fail(path.string(), ": is truncated: its last page does not end the stream; copy or convert it again");
}

// Throws if the header of a wav (RIFF, RIFX, RF64), aiff, au or w64 file promises more bytes than there are: libsndfile
// silently shortens those. Other formats, and chunk lists that lead nowhere, are left to libsndfile.
inline void refuse_truncated(const std::filesystem::path& path, int fd, std::uint64_t size) {
  std::array<unsigned char, 24> bytes;
  const auto read_at = [&](std::uint64_t at, std::size_t count) {
    return ::pread(fd, bytes.data(), count, static_cast<off_t>(at)) == static_cast<ssize_t>(count);
  };
  if (!read_at(0, bytes.size())) return;
  const auto has_id = [&](std::size_t at, const char* id) { return std::memcmp(bytes.data() + at, id, 4) == 0; };
  if (has_id(0, "OggS")) return refuse_truncated_ogg(path, fd, size);
  const bool big_endian = has_id(0, "RIFX") || has_id(0, "FORM") || has_id(0, ".snd");
  const auto number = [&](std::size_t at, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= std::uint64_t{bytes[at + (big_endian ? count - 1 - i : i)]} << (8 * i);
    return value;
  };
  const auto compare = [&](std::uint64_t promised, std::uint64_t present, const char* what) {
    if (promised > present)
      fail(path.string(), ": is truncated: its header promises ", promised, " bytes", what, " and ", present,
           " are there; copy or convert it again");
  };
  if (has_id(0, "FORM")) compare(number(4, 4), size - 8, "");
  if (has_id(0, "riff")) compare(number(16, 8), size, "");
  if (has_id(0, ".snd") && number(8, 4) != 0xffffffffu) compare(number(4, 4) + number(8, 4), size, "");
  if (!has_id(8, "WAVE") || !(has_id(0, "RIFF") || has_id(0, "RIFX") || has_id(0, "RF64"))) return;

  std::uint64_t size_64 = 0;
  for (std::uint64_t at = 12; at < size && read_at(at, 8);) {
    std::uint64_t length = number(4, 4);
    const bool is_data = has_id(0, "data");
    if (has_id(0, "ds64") && read_at(at + 8, 16)) size_64 = number(8, 8);
    if (is_data) {
      // Written into a pipe, the length was never known: ffmpeg, arecord and SoX leave these.
      const bool unknown = length == 0xffffffffu || length == 0x7fffffffu || length == 0x7ffff000u;
      if (length == 0xffffffffu && size_64 != 0)
        length = size_64;
      else if (unknown && length > size - at - 8)
        return;
      compare(length, size - at - 8, " of samples");
      return;
    }
    at += 8 + length + (length & 1);
  }
}

}  // namespace detail

// Reads a file from its beginning to its end as one channel. Samples of integer formats are in [-1, 1).
class audio_reader {
 public:
  // Throws error if the file is missing, is no audio, is truncated, has no samples or, with channel_choice::refuse,
  // has several channels.
  explicit audio_reader(std::filesystem::path path, channel_choice choice = channel_choice::first)
      : path_(std::move(path)), choice_(choice) {
    std::uint64_t size = 0;
    detail::descriptor fd = detail::open_audio(path_, size);
    detail::refuse_truncated(path_, fd.get(), size);
    SF_INFO format{};
    file_.reset(sf_open_fd(fd.get(), SFM_READ, &format, SF_TRUE));
    fd.release();  // libsndfile closes it, also when it fails
    if (!file_)
      fail(path_.string(), ": is no audio that can be read (", detail::sndfile_message(),
           "); expected wav, flac, ogg or mp3: copy it again if it is one, else convert it, for example with ffmpeg");
    info_ = {format.samplerate, format.channels, format.frames};
    if (info_.rate <= 0 || info_.channels <= 0)
      fail(path_.string(), ": has ", info_.channels, " channels at ", info_.rate, " Hz; copy or convert it again");
    if (info_.rate < lowest_rate || info_.rate > highest_rate)
      fail(path_.string(), ": has a sample rate of ", info_.rate, " Hz; expected ", lowest_rate, " to ", highest_rate,
           "; convert it, or correct its header");
    if (info_.channels > 1 && choice_ == channel_choice::refuse)
      fail(path_.string(), ": has ", info_.channels, " channels, expected 1; convert it, or choose the first or the mean");
    interleaved_.resize(block_frames * static_cast<std::size_t>(info_.channels));
    if (format.frames == SF_COUNT_MAX) count_frames();
    if (info_.frames == 0) fail(path_.string(), ": has a header but no samples; copy or convert it again");
  }

  const audio_info& info() const { return info_; }
  const std::filesystem::path& path() const { return path_; }
  dim_t position() const { return position_; }  // samples read so far

  // Fills `block` as far as the file goes; returns the number of samples, 0 at the end. Throws error for a sample that
  // is NaN or infinite, and where the file ends before its header says.
  std::size_t read(std::span<float> block) {
    std::size_t done = 0;
    while (done < block.size()) {
      const std::size_t wanted = std::min(block.size() - done, block_frames);
      const sf_count_t got = sf_readf_float(file_.get(), interleaved_.data(), static_cast<sf_count_t>(wanted));
      if (got <= 0) {
        if (position_ < info_.frames)
          fail(path_.string(), ": is damaged or truncated: it ends after ", position_, " of ", info_.frames,
               " samples; copy or convert it again");
        break;
      }
      mix_down(block.subspan(done, static_cast<std::size_t>(got)));
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  static constexpr std::size_t block_frames = 4096;

  void mix_down(std::span<float> out) {
    const std::size_t channels = static_cast<std::size_t>(info_.channels);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const float* frame = interleaved_.data() + i * channels;
      float value = frame[0];
      if (choice_ == channel_choice::mean && channels > 1) {
        double sum = 0;
        for (std::size_t c = 0; c < channels; ++c) sum += frame[c];
        value = static_cast<float>(sum / static_cast<double>(channels));
      }
      if (!std::isfinite(value)) refuse_sample(position_ + static_cast<dim_t>(i), value);
      out[i] = value;
    }
    position_ += static_cast<dim_t>(out.size());
  }

  [[noreturn]] void refuse_sample(dim_t index, float value) const {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(index) / info_.rate);
    fail(path_.string(), ": sample ", index, " (", seconds, " s) is ", std::isnan(value) ? "NaN" : "infinite",
         "; expected finite samples, make the file again");
  }

  // Some flac streams do not say how long they are.
  void count_frames() {
    info_.frames = 0;
    while (const sf_count_t got = sf_readf_float(file_.get(), interleaved_.data(), block_frames)) info_.frames += got;
    if (sf_seek(file_.get(), 0, SEEK_SET) != 0) fail(path_.string(), ": cannot be read twice; convert it to wav");
  }

  std::filesystem::path path_;
  channel_choice choice_;
  detail::sndfile_handle file_;
  audio_info info_;
  dim_t position_ = 0;
  std::vector<float> interleaved_;
};

// Rate, channels and length from the header. Throws as the reader's constructor; damage further on shows in reading.
inline audio_info probe_audio(const std::filesystem::path& path) { return audio_reader(path).info(); }

struct audio_signal {
  audio_info info;
  std::vector<float> samples;  // one channel
};

// A whole file in memory.
inline audio_signal read_audio(const std::filesystem::path& path, channel_choice choice = channel_choice::first) {
  audio_reader reader(path, choice);
  audio_signal signal{reader.info(), {}};
  std::vector<float> block(1 << 16);
  // Not sized by the header: a damaged one may promise terabytes.
  while (const std::size_t got = reader.read(block))
    signal.samples.insert(signal.samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got));
  return signal;
}

}  // namespace avss
