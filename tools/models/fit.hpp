// Which networks a file's weights fit.
#pragma once

#include <avss/io/weights_file.hpp>
#include <string>
#include <vector>

#include "tools/models/entry.hpp"

namespace avss::tools {

// The networks whose names and shapes are those of the file, and that it does not contradict.
std::vector<const model_entry*> fitting(const loaded_weights& file, const std::string& origin);

// `named`, or, where a file of RTFS-Net does not fit it, the network that differs from it in nothing but what such files tell:
// generation, passes, axis of attention.
const model_entry& detect(const model_entry& named, const loaded_weights& file, const std::string& origin);

}  // namespace avss::tools
