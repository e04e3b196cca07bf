#include "tools/metric_config.hpp"

#include <algorithm>
#include <avss/config/suggest.hpp>
#include <avss/config/value.hpp>
#include <avss/core/error.hpp>
#include <avss/metric/named.hpp>
#include <optional>
#include <string_view>

#include "tools/targets.hpp"

namespace avss::tools {
namespace {

using config::value;

// The reference project's classes. Those that wrap one of torchmetrics take the estimates as given.
struct alias {
  std::string_view target, wrapped;
  const char* name;
  bool permuted;
};
constexpr alias aliases[] = {
    {"PIT_SISNRi", "", "si_snri", true},
    {"PIT_SISDRi", "", "si_sdri", true},
    {"PIT_SISNR", "", "si_snr", true},
    {"SIAudioMetricWrapper", "ScaleInvariantSignalNoiseRatio", "si_snri", false},
    {"SIAudioMetricWrapper", "ScaleInvariantSignalDistortionRatio", "si_sdri", false},
    {"AudioMetricWrapper", "ScaleInvariantSignalNoiseRatio", "si_snr", false},
    {"AudioMetricWrapper", "ScaleInvariantSignalDistortionRatio", "si_sdr", false},
};

[[noreturn]] void unknown(const std::string& key, const std::string& found) {
  fail(key, ": there is no metric '", found, "'; there are ", config::listed(known_metric_names()));
}

void allow(const std::string& key, const value& v, const std::vector<std::string>& keys) {
  for (const value::entry& e : v.entries())
    if (std::find(keys.begin(), keys.end(), e.key) == keys.end())
      fail(key, ".", e.key, ": a metric has no such key; it has ", config::listed(keys), config::did_you_mean(e.key, keys));
}

metric_column read_section(const std::string& key, const value& v) {
  allow(key, v, {"_target_", "name", "metric", "device"});
  const std::string target = v.get<std::string>("_target_");
  std::string wrapped;
  if (const value* metric = v.child("metric"); metric && !metric->is_null())
    wrapped = metric->is(config::kind::map) ? metric->get<std::string>("_target_") : metric->as<std::string>(key + ".metric");
  const auto last = [](const std::string& full) { return full.substr(full.rfind('.') + 1); };
  for (const alias& a : aliases) {
    if (a.target != last(target) || a.wrapped != last(wrapped)) continue;
    target_word(key + "._target_", target);
    target_word(key + ".metric", wrapped);
    return {v.get<std::string>("name", a.name), *find_metric(a.name), a.permuted};
  }
  unknown(key, wrapped.empty() ? target : target + " of " + wrapped);
}

metric_column read_entry(const std::string& key, const value& v, bool permuted) {
  if (v.is(config::kind::map)) return read_section(key, v);
  const std::string name = v.as<std::string>(key);
  const std::optional<metric_choice> choice = find_metric(name);
  if (!choice) unknown(key, name);
  return {name, *choice, permuted};
}

}  // namespace

std::vector<std::string> known_metric_names() {
  std::vector<std::string> names;
  for (const metric_choice& c : metric_choices()) names.push_back(c.name());
  return names;
}

std::vector<metric_column> read_metrics(const config::settings& s, const std::string& key) {
  const bool permuted = s.get<bool>("metrics.pit");
  const auto entries = s.get<std::vector<value>>(key);
  std::vector<metric_column> columns;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string at = key + "[" + std::to_string(i) + "]";
    metric_column c = read_entry(at, entries[i], permuted);
    for (const metric_column& old : columns)
      if (old.name == c.name) fail(at, ": a second metric of the name '", c.name, "'; take one out, or give it another name");
    columns.push_back(std::move(c));
  }
  return columns;
}

}  // namespace avss::tools
