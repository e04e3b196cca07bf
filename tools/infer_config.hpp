// The section inferencer of a configuration, as far as it tells how a network is run.
#pragma once

#include <avss/config/interpolation.hpp>

#include "tools/infer_options.hpp"

namespace avss::tools {

// Fills window, free_level and level. Throws avss::error, one line that names the key.
void read_separation(const config::settings& s, infer_options& o);

}  // namespace avss::tools
