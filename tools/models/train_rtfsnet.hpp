// An RTFS-Net preset behind the trainable interface, on the CPU.
#pragma once

#include <avss/train/rtfsnet_trainable.hpp>
#include <memory>
#include <variant>

#include "tools/models/trainables.hpp"

// The list's entry of preset S.
#define AVSS_RTFSNET_TRAINABLE_ENTRY(preset)                                                                        \
  namespace avss::tools {                                                                                           \
  extern const trainable_entry preset##_training;                                                                   \
  const trainable_entry preset##_training{                                                                          \
      #preset, [](const model_entry& entry, const separation_training& t) -> std::unique_ptr<trainable> {           \
        return std::make_unique<rtfsnet_trainable<presets::preset>>(entry.name, t,                                  \
                                                                    std::get<rtfsnet_config>(entry.config).passes); \
      }};                                                                                                           \
  }
