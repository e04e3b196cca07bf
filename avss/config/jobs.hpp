// The jobs of a command line with sweeps: all combinations of the values of its overrides, in the order of Hydra's basic
// sweeper.
#pragma once

#include <fnmatch.h>

#include <algorithm>
#include <avss/config/override.hpp>
#include <avss/config/store.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace avss::config {

namespace detail {

inline std::string typed_key(const override_item& o) {
  constexpr const char* prefixes[] = {"", "+", "++", "~"};
  return prefixes[static_cast<int>(o.kind)] + o.key + (o.has_package ? "@" + o.package : "");
}

inline bool matches(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& p) { return ::fnmatch(p.c_str(), name.c_str(), FNM_NOESCAPE) == 0; });
}

inline value::list swept_values(const config_store& store, const override_item& o) {
  const sweep& s = *o.swept;
  value::list all;
  if (s.kind == sweep::form::glob) {
    const std::vector<std::string> options = store.options(o.key);
    for (const std::string& name : options)
      if (matches(s.include, name) && !matches(s.exclude, name)) all.emplace_back(name);
    if (all.empty()) fail("'", o.line, "': no option of the group '", o.key, "' fits; there are: ", listed(options));
  } else {
    all = s.kind == sweep::form::range ? range_values(s) : s.options;
    if (all.empty()) fail("'", o.line, "': the range is empty");
  }
  if (s.shuffled) std::shuffle(all.begin(), all.end(), std::mt19937_64(std::random_device()()));
  return all;
}

}  // namespace detail

// The overrides of each job. An override that is given twice counts once, with its last values at its first place.
inline std::vector<std::vector<std::string>> sweep_jobs(const config_store& store, const std::vector<std::string>& overrides) {
  std::vector<std::pair<std::string, std::vector<std::string>>> choices;  // of one override each
  std::size_t jobs = 1;
  for (const std::string& line : overrides) {
    const override_item o = parse_override(line);
    const std::string key = detail::typed_key(o);
    std::vector<std::string> lines;
    if (o.swept)
      for (const value& v : detail::swept_values(store, o)) lines.push_back(key + "=" + typed_text(v));
    else
      lines.push_back(o.given ? key + "=" + typed_text(*o.given) : key);
    const auto known = std::find_if(choices.begin(), choices.end(), [&](const auto& c) { return c.first == key; });
    if (known == choices.end())
      choices.emplace_back(key, std::move(lines));
    else
      known->second = std::move(lines);
  }
  for (const auto& c : choices) {
    jobs *= c.second.size();
    if (jobs > detail::max_sweep) fail("the sweeps make more than ", detail::max_sweep, " jobs");
  }
  std::vector<std::vector<std::string>> all(1);
  for (const auto& c : choices) {
    std::vector<std::vector<std::string>> longer;
    for (const auto& job : all)
      for (const std::string& line : c.second) {
        longer.push_back(job);
        longer.back().push_back(line);
      }
    all = std::move(longer);
  }
  return all;
}

}  // namespace avss::config
