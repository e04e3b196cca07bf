// One entry of the closed registry of networks: a preset, instantiated in a translation unit of its own.
#pragma once

#include <avss/core/param.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/model/separator.hpp>
#include <memory>
#include <string>
#include <vector>

namespace avss::tools {

struct model_entry {
  const char* name;  // as in model=NAME
  const char* about;
  convtasnet_config config;
  std::vector<param_info> (*params)();
  std::unique_ptr<separator> (*make)(int threads);
};

}  // namespace avss::tools
