// One section of a configuration.
#pragma once

#include <algorithm>
#include <avss/config/interpolation.hpp>
#include <avss/config/suggest.hpp>
#include <avss/core/error.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/targets.hpp"

namespace avss::tools {

// Of a configuration that is another tool's: `name` is the section that all of this tool's have.
inline void expect_section(const config::settings& s, const std::string& name, const char* examples) {
  if (!s.has(name))
    fail("the configuration has no section ", name, ": it is another tool's; choose one by -cn, such as ", examples);
}

// A section of a configuration whose keys depend on its _target_.
class section {
 public:
  section(const config::settings& s, std::string name) : s_(s), name_(std::move(name)) {}

  // The target's last word: "torch.optim.AdamW" and "AdamW" are the same.
  std::string target(const std::vector<std::string>& known) const {
    return target_word(path("_target_"), get<std::string>("_target_"), known);
  }
  // No other keys than these may be given: one that is not obeyed must not look as if it were.
  void allow(std::vector<std::string> keys) const {
    keys.emplace_back("_target_");
    const config::value own = s_.at(name_);
    for (const config::value::entry& e : own.entries())
      if (std::find(keys.begin(), keys.end(), e.key) == keys.end())
        fail(name_, ".", e.key, ": ", s_.get<std::string>(name_ + "._target_", "this section"), " has no such key; it has ",
             config::listed(keys), config::did_you_mean(e.key, keys));
  }

  // Throws error for a number, a text or a list in place of a section.
  void require_section(const char* expected) const {
    if (const config::value own = s_.at(name_); !own.is(config::kind::map))
      fail(name_, ": expected ", expected, ", found ", own.described());
  }

  template <class T>
  T get(const std::string& key) const {
    return s_.get<T>(name_ + "." + key);
  }
  template <class T>
  T get(const std::string& key, T fallback) const {
    return s_.get<T>(name_ + "." + key, fallback);
  }
  bool has(const std::string& key) const { return s_.has(name_ + "." + key) && !s_.at(name_ + "." + key).is_null(); }
  const std::string& name() const { return name_; }
  std::string path(const std::string& key) const { return name_ + "." + key; }
  config::value at(const std::string& key) const { return s_.at(path(key)); }
  // A section within this one.
  section group(const std::string& key) const { return {s_, path(key)}; }
  // One of two words.
  bool is(const std::string& key, const std::string& yes, const std::string& no, bool fallback) const {
    return has(key) ? s_.one_of(path(key), {yes, no}) == yes : fallback;
  }
  // Two numbers.
  std::pair<double, double> pair(const std::string& key, std::pair<double, double> fallback,
                                 const char* what = "[lowest, highest]") const {
    if (!has(key)) return fallback;
    const auto ends = get<std::vector<double>>(key);
    if (ends.size() != 2) wrong(key, "expected ", what, ", found a list of ", ends.size());
    return {ends[0], ends[1]};
  }
  template <class... Parts>
  [[noreturn]] void wrong(const std::string& key, const Parts&... parts) const {
    fail(name_, ".", key, ": ", parts...);
  }

 private:
  const config::settings& s_;
  std::string name_;
};

}  // namespace avss::tools
