// The closed list of presets that can be trained: each instantiated in a translation unit of its own, apart from the
// registry, so that tools that only separate carry none of it.
#pragma once

#include <avss/train/separation_training.hpp>
#include <avss/train/trainable.hpp>
#include <memory>

#include "tools/models/entry.hpp"

namespace avss::tools {

struct trainable_entry {
  const char* name;  // the preset's
  std::unique_ptr<trainable> (*make)(const model_entry& entry, const separation_training& t);
};

// Throws error with the names there are.
std::unique_ptr<trainable> make_trainable(const model_entry& entry, const separation_training& t);

}  // namespace avss::tools
