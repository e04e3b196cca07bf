// One entry of the closed registry of networks: a preset, instantiated in a translation unit of its own. What is a matter of
// run time, the passes of an RTFS-Net, may differ from the preset's.
#pragma once

#include <avss/core/param.hpp>
#include <avss/model/av_separator.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/model/rtfsnet_config.hpp>
#include <avss/model/separator.hpp>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace avss::tools {

// A network for sound alone, or one that sees faces, too.
using any_separator = std::variant<std::unique_ptr<separator>, std::unique_ptr<av_separator>>;

struct model_entry {
  std::string name;      // as in model=NAME
  const char* compiled;  // the preset's
  const char* about;
  std::variant<convtasnet_config, rtfsnet_config> config;
  std::vector<param_info> (*params)();
  any_separator (*make)(const model_entry& self, int threads);

  bool sees_faces() const { return std::holds_alternative<rtfsnet_config>(config); }
};

}  // namespace avss::tools
