#include "tools/infer_config.hpp"

#include <avss/core/error.hpp>
#include <avss/model/long_form.hpp>
#include <string>

namespace avss::tools {

void read_separation(const config::settings& s, infer_options& o) {
  o.window = s.get<double>("inferencer.window");
  if (!(o.window >= 0 && o.window <= longest_window))
    fail("inferencer.window: expected seconds up to ", longest_window, ", 0 for whole files, found ", o.window);
  o.free_level = s.get<bool>("inferencer.free_level", true);
  const std::string level = s.one_of("inferencer.level", {"mixture", "peak", "none"});
  o.level = level == "mixture" ? level_policy::mixture : level == "peak" ? level_policy::peak : level_policy::none;
}

}  // namespace avss::tools
