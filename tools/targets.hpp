// _target_: the dotted names of Python's classes under which configurations ask for what is built in here. No code is looked
// up by them: each must be of a known package, and its last word one of those that the place takes.
#pragma once

#include <algorithm>
#include <avss/config/suggest.hpp>
#include <avss/core/error.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace avss::tools {

inline const std::vector<std::string>& target_packages() {
  static const std::vector<std::string> all{"avss",
                                            "src.datasets",
                                            "src.logger",
                                            "src.loss",
                                            "src.metrics",
                                            "src.model",
                                            "src.transforms",
                                            "src.transforms.audio",
                                            "torch.nn",
                                            "torch.optim",
                                            "torch.optim.lr_scheduler",
                                            "torch.utils.data",
                                            "torch_audiomentations",
                                            "torchmetrics.audio",
                                            "torchvision.transforms.v2"};
  return all;
}

// The last word of `full`, "AdamW" of "torch.optim.AdamW", which is "AdamW" as well. `path` is the key it stands at. Throws
// error if it is of another package, and so of another meaning.
inline std::string target_word(const std::string& path, const std::string& full) {
  const std::size_t dot = full.rfind('.');
  const std::string word = dot == std::string::npos ? full : full.substr(dot + 1);
  if (dot == std::string::npos) return word;
  const std::string package = full.substr(0, dot);
  if (std::find(target_packages().begin(), target_packages().end(), package) == target_packages().end())
    fail(path, ": '", full, "' is of a package that is not known here; give ", word, " alone, or one of ",
         config::listed(target_packages()), config::did_you_mean(package, target_packages()));
  return word;
}

// The same where only some words fit.
inline std::string target_word(const std::string& path, const std::string& full, const std::vector<std::string>& known) {
  const std::string last = full.substr(full.rfind('.') + 1);
  if (std::find(known.begin(), known.end(), last) == known.end())
    fail(path, ": expected one of ", config::listed(known), ", found '", full, "'", config::did_you_mean(last, known));
  return target_word(path, full);
}

}  // namespace avss::tools
