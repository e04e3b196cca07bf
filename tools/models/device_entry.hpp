// What a build for a device brings to the tools.
#pragma once

#include <avss/cuda/precision.hpp>
#include <avss/dist/worker_group.hpp>
#include <avss/loss/chosen.hpp>
#include <avss/train/separation_training.hpp>
#include <avss/train/trainable.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "tools/models/entry.hpp"

namespace avss {
enum class image_curve;
}

namespace avss::tools {

// A preset that is compiled for the device, in a translation unit of its own.
struct device_entry {
  const char* name;
  any_separator (*make)(const model_entry& entry, product_precision precision);
  // Null where it only separates. t.criterion is not looked at.
  std::unique_ptr<trainable> (*make_trainable)(const model_entry& entry, const separation_training& t, const chosen_loss& loss,
                                               product_precision precision);
};

class lip_embedder;

struct device_models {
  std::span<const device_entry* const> entries;
  std::string (*problem)();       // why nothing can run there now, or ""
  std::string (*name)();          // "NVIDIA H200"
  std::size_t (*memory_bytes)();  // that the device has
  // The lip-reading encoder of that activation, for so many workers.
  std::unique_ptr<lip_embedder> (*make_lip)(image_curve activation, int workers, product_precision precision);
};

// Collective, before a network is made: those of the group as workers of whom each has a device of its own; as t.group they
// train there; null where not each has one. `group` must live as long. No function in tools that were built without.
using device_join = std::unique_ptr<worker_group> (*)(worker_group& group);
inline device_join& installed_join() {
  static device_join installed = nullptr;
  return installed;
}

// Null in tools that were built for the CPU alone. A build for a device sets it before main().
const device_models*& installed_device();

}  // namespace avss::tools
