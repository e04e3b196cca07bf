// The section crop_mouths of a configuration, as far as it tells how faces are found.
#pragma once

#include <avss/config/interpolation.hpp>
#include <string>

#include "tools/crop_mouths_job.hpp"

namespace avss::tools {

// Whether the key is there and not null.
bool given(const config::settings& s, const std::string& key);

// Fills expected, faces, procedure and landmark_model. Throws avss::error, one line that names the key.
void read_finding(const config::settings& s, crop_options& o);

}  // namespace avss::tools
