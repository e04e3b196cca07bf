// The metrics that a configuration asks for.
#pragma once

#include <avss/config/interpolation.hpp>
#include <string>
#include <vector>

#include "tools/score_prediction.hpp"

namespace avss::tools {

// si_snr, si_snri, ...
std::vector<std::string> known_metric_names();

// The list at `key` ("metrics.inference"), each entry the name of a metric, whose order is chosen by metrics.pit and
// metrics.permutation, {metric: NAME, name: COLUMN}, or a section with _target_ as the reference project has them. Throws error
// for an unknown one, with a list of what there is, and for two of one name. May be empty.
std::vector<metric_column> read_metrics(const config::settings& s, const std::string& key);

}  // namespace avss::tools
