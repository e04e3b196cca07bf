// A Conv-TasNet preset behind the trainable interface, on the CPU.
#pragma once

#include <avss/train/convtasnet_trainable.hpp>
#include <memory>

#include "tools/models/trainables.hpp"

// The list's entry of preset S.
#define AVSS_TRAINABLE_ENTRY(preset)                                                                                           \
  namespace avss::tools {                                                                                                      \
  extern const trainable_entry preset##_training;                                                                              \
  const trainable_entry preset##_training{#preset,                                                                             \
                                          [](const model_entry&, const separation_training& t) -> std::unique_ptr<trainable> { \
                                            return std::make_unique<convtasnet_trainable<presets::preset>>(#preset, t);        \
                                          }};                                                                                  \
  }
