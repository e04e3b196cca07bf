#include <avss/train/rtfsnet_trainable.hpp>

#include "tests/train/networks.hpp"

namespace avss::testing {

std::unique_ptr<trainable> make_tiny_rtfsnet(const separation_training& t) {
  return std::make_unique<rtfsnet_trainable<presets::rtfsnet_tiny>>("rtfsnet_tiny", t);
}

}  // namespace avss::testing
