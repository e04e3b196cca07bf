// Networks small enough to be trained within a test.
#pragma once

#include <avss/train/convtasnet_trainable.hpp>
#include <memory>

namespace avss::testing {

inline constexpr convtasnet_config overfit_config{.filters = 64,
                                                  .bottleneck = 24,
                                                  .skip = 24,
                                                  .hidden = 48,
                                                  .blocks = 4,
                                                  .repeats = 1,
                                                  .mask = activation::relu,
                                                  .last = last_residual::unused};

// presets::convtasnet_tiny, and a larger one.
std::unique_ptr<trainable> make_tiny(const separation_training& t = {});
std::unique_ptr<trainable> make_overfit(const separation_training& t = {});
// presets::rtfsnet_tiny
std::unique_ptr<trainable> make_tiny_rtfsnet(const separation_training& t);

}  // namespace avss::testing
