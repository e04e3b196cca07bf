// A Conv-TasNet preset behind the separator interface, on the CPU.
#pragma once

#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/filterbank.hpp>

#include "tools/models/convtasnet_on.hpp"

namespace avss::tools {

template <convtasnet_config S>
using convtasnet_separator = convtasnet_separator_on<S, cpu>;

// The registry's entry of preset S.
#define AVSS_CONVTASNET_ENTRY(preset, about)                                                                                \
  namespace avss::tools {                                                                                                   \
  extern const model_entry preset##_entry;                                                                                  \
  const model_entry preset##_entry{#preset,                                                                                 \
                                   #preset,                                                                                 \
                                   about,                                                                                   \
                                   presets::preset,                                                                         \
                                   [] { return list_params(ConvTasNet<presets::preset>()); },                               \
                                   [](const model_entry&, int threads) -> any_separator {                                   \
                                     return std::make_unique<convtasnet_separator<presets::preset>>(#preset, cpu(threads)); \
                                   }};                                                                                      \
  }

}  // namespace avss::tools
