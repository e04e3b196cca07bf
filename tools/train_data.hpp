// From a configuration's `datasets` section to what a training run is fed with.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/data/batch.hpp>
#include <memory>

namespace avss::tools {

struct train_sources {
  std::unique_ptr<const item_source> train;  // endless, or a fixed set in a fixed order
  std::unique_ptr<const item_source> val;    // a fixed set; null: no validation
};

// For a network of that rate and number of sources. Throws error.
train_sources make_train_sources(const config::settings& s, int sample_rate, dim_t sources, std::uint64_t seed);

}  // namespace avss::tools
