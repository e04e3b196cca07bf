// A film of any frame rate, also a varying one, at exactly 25 frames a second, the rate of lip-reading encoders.
#pragma once

#include <avss/video/picture.hpp>
#include <cstddef>
#include <utility>

namespace avss {

inline constexpr double video_rate = 25;  // frames a second

struct video_frame {
  grey_picture picture;
  double time = 0;    // s, when it begins, on the clock of the file
  double length = 0;  // s
};

// Frame k is what the film shows k / 25 s after its first frame began: the last of its frames that has begun by then. So
// frames are repeated or left out, never mixed. Source: bool next(video_frame&), with times that do not fall.
template <class Source>
class steady_frames {
 public:
  // Time stamps are rounded, to milliseconds in some containers.
  static constexpr double tolerance = 0.002;  // s

  explicit steady_frames(Source& source) : source_(source) {}

  // The next frame, valid until the next call; null at the end.
  const grey_picture* next() {
    if (!started_) {
      started_ = true;
      advance();
      start_ = ahead_.time;
    }
    const double now = start_ + static_cast<double>(count_) / video_rate;
    repeated_ = true;
    while (more_ && ahead_.time <= now + tolerance) {
      std::swap(shown_, ahead_);
      repeated_ = false;
      advance();
    }
    if (count_ == 0 && repeated_) return nullptr;  // not a single frame
    if (count_ > 0 && !more_ && now >= shown_.time + shown_.length - tolerance) return nullptr;
    ++count_;
    return &shown_.picture;
  }

  bool repeated() const { return repeated_; }   // whether the last frame was the one before it again
  std::size_t count() const { return count_; }  // frames given so far
  std::size_t read() const { return read_; }    // frames of the film read for them
  double start() const { return start_; }       // s, of the first frame on the clock of the file

 private:
  void advance() {
    more_ = source_.next(ahead_);
    read_ += more_;
  }

  Source& source_;
  video_frame shown_, ahead_;
  bool started_ = false, more_ = false, repeated_ = false;
  std::size_t count_ = 0, read_ = 0;
  double start_ = 0;
};

}  // namespace avss
