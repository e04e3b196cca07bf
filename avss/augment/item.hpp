// What augmentations act on, and what every augmentation is.
//
// An augmentation is a value with its ranges as members and
//   alike      whether mixture and targets get the same; otherwise it changes the mixture alone, and targets stay clean
//   check()    refuses ranges that make no sense, and what would tear a voice from its lips
//   apply()    changes one item, by random numbers of that item alone
//   moves()    where it moves sound in time: seconds, at most
// Features of faces are never changed: what moves a sound by more than half a video frame, by itself or in a chain, is refused
// beside faces.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <avss/core/shape.hpp>
#include <avss/dsp/video_frames.hpp>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>

namespace avss {

// What all items of a data set have in common.
struct sound_kind {
  int rate = 16000;    // Hz
  dim_t length = 0;    // samples
  bool faces = false;  // the items have the video of their speakers, which sound has to keep step with
};

// One item on its way from the data set to the network: mixture [length], targets [sources, length]. A source by itself, before
// mixing, is a mixture without targets.
struct sound_item {
  std::span<float> mixture, targets;
  int rate = 16000;
  bool faces = false;

  std::size_t length() const { return mixture.size(); }
  std::size_t sources() const { return mixture.empty() ? 0 : targets.size() / mixture.size(); }
  std::span<float> target(std::size_t s) const { return targets.subspan(s * length(), length()); }

  // body(signal) for the mixture and every target.
  template <class Body>
  void each_signal(Body&& body) const {
    body(mixture);
    for (std::size_t s = 0; s < sources(); ++s) body(target(s));
  }
};

template <class A>
concept augmentation = requires(const A a, const sound_item& x, const random_stream& random, const sound_kind& kind) {
  { a.alike() } -> std::same_as<bool>;
  a.check(kind);
  a.apply(x, random);
};

// Seconds by which a sound may be moved beside its video: half a frame, which nobody sees.
inline constexpr double lips_tolerance = 0.5 / lip_frame_rate;

namespace detail {

template <class A>
double moves_of(const A& a, const sound_kind& kind) {
  if constexpr (requires { a.moves(kind); })
    return a.moves(kind);
  else
    return 0;
}

// Refuses to move sound by up to `seconds` beside faces.
inline void keep_step(const sound_kind& kind, const char* who, double seconds) {
  constexpr double rounding = 1e-9;
  if (kind.faces && seconds > lips_tolerance + rounding)
    fail(who, ": moves voices by up to ", seconds, " s, and their lips stay where they are; ", lips_tolerance,
         " s, half a video frame, are the most that goes with faces");
}

}  // namespace detail

// A range from which a number is drawn evenly.
struct draw_range {
  double lowest = 0, highest = 0;

  double draw(const random_stream& random, std::uint64_t index) const { return random.uniform(index, lowest, highest); }
  // Throws error unless smallest <= lowest <= highest <= largest.
  void check(const char* who, const char* what, double smallest, double largest) const {
    if (!(smallest <= lowest && lowest <= highest && highest <= largest))
      fail(who, ": ", what, " from ", lowest, " to ", highest, "; expected numbers from ", smallest, " to ", largest,
           ", the lower first");
  }
};

namespace detail {

inline double power(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return x.empty() ? 0 : sum / static_cast<double>(x.size());
}
inline double root_mean_square(std::span<const float> x) { return std::sqrt(power(x)); }

inline float largest(std::span<const float> x) {
  float top = 0;
  for (const float v : x) top = std::max(top, std::abs(v));
  return top;
}

inline void scale(std::span<float> x, double gain) {
  for (float& v : x) v = static_cast<float>(v * gain);
}

// What is beyond full scale is cut off.
inline void clamp(std::span<float> x) {
  for (float& v : x) v = std::clamp(v, -1.0f, 1.0f);
}

inline double decibels(double db) { return std::pow(10, db / 20); }

}  // namespace detail
}  // namespace avss
