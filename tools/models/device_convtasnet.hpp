// A Conv-TasNet preset on the device.
#pragma once

#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/optim.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/train/convtasnet_trainable_on.hpp>
#include <memory>

#include "tools/models/convtasnet_on.hpp"
#include "tools/models/device_backend.hpp"
#include "tools/models/device_criterion.hpp"
#include "tools/models/device_entry.hpp"

// The device's entry of preset S.
#define AVSS_CONVTASNET_DEVICE_ENTRY(preset) AVSS_CONVTASNET_DEVICE_ENTRY_OF(preset)  // whose name may be a macro
#define AVSS_CONVTASNET_DEVICE_ENTRY_OF(preset)                                                                                \
  namespace avss::tools {                                                                                                      \
  extern const device_entry preset##_on_device;                                                                                \
  const device_entry preset##_on_device{#preset,                                                                               \
                                        [](const model_entry&, product_precision precision) -> any_separator {                 \
                                          return std::make_unique<convtasnet_separator_on<presets::preset, cuda_backend>>(     \
                                              #preset, cuda_backend(precision));                                               \
                                        },                                                                                     \
                                        [](const model_entry&, const separation_training& t, const chosen_loss& loss,          \
                                           product_precision precision) -> std::unique_ptr<trainable> {                        \
                                          return std::make_unique<convtasnet_trainable_on<presets::preset, cuda_backend>>(     \
                                              #preset, t.on(make_device_criterion(loss)), device_backend(precision, t.group)); \
                                        }};                                                                                    \
  }
