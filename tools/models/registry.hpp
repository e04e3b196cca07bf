// The closed list of networks that tools know by name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/models/entry.hpp"

namespace avss::tools {

std::span<const model_entry* const> all_models();

// "rtfsnet_8" is rtfsnet_4 with 8 passes. Throws error with the names there are.
model_entry find_model(const std::string& name);

// An RTFS-Net's entry with another number of passes, 1 to most_passes; others stay as they are.
model_entry with_passes(const model_entry& e, std::int64_t passes);

// "a, b, c"
std::string names(std::span<const model_entry* const> entries);

}  // namespace avss::tools
