// What a trainer is fed with.
#pragma once

#include <avss/core/shape.hpp>
#include <cstdint>
#include <span>
#include <vector>

namespace avss {

// Items of one length and rate: mixtures [size, length], targets [size, sources, length].
struct batch {
  dim_t size = 0, sources = 0, length = 0;
  std::vector<float> mixtures, targets;
};

// Training or evaluation items by number. Item n is a function of the source's seed and of n alone, so that neither the
// number of worker threads nor a resumed run changes what is trained on.
class item_source {
 public:
  virtual ~item_source() = default;

  virtual dim_t sources() const = 0;
  virtual dim_t length() const = 0;     // samples
  virtual int sample_rate() const = 0;  // Hz
  // Items of one evaluation or of one epoch of a fixed data set; 0: endless, made anew for every number.
  virtual dim_t count() const = 0;

  // mixture [length], targets [sources, length]. Called by several threads at once. Throws error.
  virtual void make(std::uint64_t n, std::span<float> mixture, std::span<float> targets) const = 0;
};

}  // namespace avss
