// The closed list of networks that tools know by name.
#pragma once

#include <span>
#include <string>

#include "tools/models/entry.hpp"

namespace avss::tools {

std::span<const model_entry* const> audio_models();

// Throws error with the names there are.
const model_entry& find_audio_model(const std::string& name);

}  // namespace avss::tools
