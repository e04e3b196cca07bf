// An RTFS-Net preset behind the av_separator interface, on the CPU.
#pragma once

#include <avss/cpu/rtfsnet.hpp>

#include "tools/models/rtfsnet_on.hpp"

namespace avss::tools {

template <rtfsnet_config S>
using rtfsnet_separator = rtfsnet_separator_on<S, cpu>;

// The registry's entry of preset S.
#define AVSS_RTFSNET_ENTRY(preset, about)                                                                             \
  namespace avss::tools {                                                                                             \
  extern const model_entry preset##_entry;                                                                            \
  const model_entry preset##_entry{#preset,                                                                           \
                                   #preset,                                                                           \
                                   about,                                                                             \
                                   presets::preset,                                                                   \
                                   [] { return list_params(RtfsNet<presets::preset>()); },                            \
                                   [](const model_entry& self, int threads) -> any_separator {                        \
                                     return std::make_unique<rtfsnet_separator<presets::preset>>(self, cpu(threads)); \
                                   }};                                                                                \
  }

}  // namespace avss::tools
