// Parts of a network that stay as they are while the others are trained.
#pragma once

#include <fnmatch.h>

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/param.hpp>
#include <string>
#include <vector>

namespace avss {

// Names of parameters, or of the parts that hold them, as the state_dict has them: "decoder", "encoder.weight"; * stands for
// anything.
struct frozen_parts {
  std::vector<std::string> freeze{};      // these are not trained
  std::vector<std::string> train_only{};  // unless empty: all others are not
};

namespace detail {

// Whether `pattern` names it, or something that holds it.
inline bool names_part(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0 || ::fnmatch((pattern + ".*").c_str(), name.c_str(), 0) == 0;
}

}  // namespace detail

// `params` with what is frozen marked as not trained; of state (running statistics), `trained` says whether it is collected.
// Throws error for a name that nothing has, and where nothing is left to train.
inline std::vector<param_info> freeze_params(std::vector<param_info> params, const frozen_parts& parts) {
  const auto any = [](const std::vector<std::string>& patterns, const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return detail::names_part(p, name); });
  };
  for (const auto* patterns : {&parts.freeze, &parts.train_only})
    for (const std::string& p : *patterns)
      if (std::none_of(params.begin(), params.end(), [&](const param_info& i) { return detail::names_part(p, i.name); }))
        fail(patterns == &parts.freeze ? "trainer.freeze" : "trainer.train_only", ": the network has no part '", p,
             "'; names are those of its state_dict, such as ", params.front().name, " and ", params.back().name,
             ", or what they begin with");
  bool left = false;
  for (param_info& p : params) {
    const bool frozen = any(parts.freeze, p.name) || (!parts.train_only.empty() && !any(parts.train_only, p.name));
    p.trained = !frozen && (p.is_state || p.trained);
    left = left || (p.trained && !p.is_state);
  }
  if (!left) fail("trainer.freeze and trainer.train_only leave nothing of the network to be trained");
  return params;
}

}  // namespace avss
