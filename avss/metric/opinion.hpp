// What listeners would say of speech, as a network that has heard many of them guesses.
#pragma once

#include <avss/metric/ratio.hpp>
#include <span>

namespace avss {

// Mean opinion scores, from 1, bad, to 5, excellent.
struct opinions {
  ratio signal, background, overall;  // ITU-T P.835: how undistorted the speech is, how unobtrusive the rest, and both
};

// Several threads may ask at once.
class opinion_meter {
 public:
  virtual ~opinion_meter() = default;
  // rate in Hz. Each throws error where its network is not at hand.
  virtual opinions p835(std::span<const float> speech, int rate) const = 0;
  virtual ratio p808(std::span<const float> speech, int rate) const = 0;
};

}  // namespace avss
