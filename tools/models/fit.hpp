// Which networks a file's weights fit.
#pragma once

#include <avss/io/weights_file.hpp>
#include <string>
#include <vector>

#include "tools/models/entry.hpp"

namespace avss::tools {

// The networks whose names and shapes are those of the file, and that it does not contradict but in the number of passes.
std::vector<const model_entry*> fitting(const loaded_weights& file, const std::string& origin);

// `named`, or, where a file of RTFS-Net does not fit it, the network that differs from it in nothing but what such files tell:
// generation and axis of attention. With as many passes as the file says, if it says so. Throws error for a number that is
// none.
model_entry detect(const model_entry& named, const loaded_weights& file, const std::string& origin);

}  // namespace avss::tools
