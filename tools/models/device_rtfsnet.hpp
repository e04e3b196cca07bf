// An RTFS-Net preset on the device.
#pragma once

#include <avss/cuda/optim.cuh>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/train/rtfsnet_trainable_on.hpp>
#include <memory>
#include <variant>

#include "tools/models/device_backend.hpp"
#include "tools/models/device_criterion.hpp"
#include "tools/models/device_entry.hpp"
#include "tools/models/rtfsnet_on.hpp"

// The device's entry of preset S.
#define AVSS_RTFSNET_DEVICE_ENTRY(preset) AVSS_RTFSNET_DEVICE_ENTRY_OF(preset)  // whose name may be a macro
#define AVSS_RTFSNET_DEVICE_ENTRY_OF(preset)                                                                         \
  namespace avss::tools {                                                                                            \
  extern const device_entry preset##_on_device;                                                                      \
  const device_entry preset##_on_device{                                                                             \
      #preset,                                                                                                       \
      [](const model_entry& self, product_precision precision) -> any_separator {                                    \
        return std::make_unique<rtfsnet_separator_on<presets::preset, cuda_backend>>(self, cuda_backend(precision)); \
      },                                                                                                             \
      [](const model_entry& self, const separation_training& t, const chosen_loss& loss,                             \
         product_precision precision) -> std::unique_ptr<trainable> {                                                \
        return std::make_unique<rtfsnet_trainable_on<presets::preset, cuda_backend>>(                                \
            self.name, t.on(make_device_criterion(loss)), device_backend(precision, t.group),                        \
            std::get<rtfsnet_config>(self.config).passes);                                                           \
      }};                                                                                                            \
  }
