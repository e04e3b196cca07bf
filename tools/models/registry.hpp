// The closed list of networks that tools know by name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/models/entry.hpp"

namespace avss::tools {

std::span<const model_entry* const> all_models();

// Throws error with the names there are.
const model_entry& find_model(const std::string& name);

// "a, b, c"
std::string names(std::span<const model_entry* const> entries);

}  // namespace avss::tools
