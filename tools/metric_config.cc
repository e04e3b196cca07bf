#include "tools/metric_config.hpp"

#include <algorithm>
#include <avss/config/places.hpp>
#include <avss/config/suggest.hpp>
#include <avss/config/value.hpp>
#include <avss/core/error.hpp>
#include <avss/metric/dnsmos.hpp>
#include <avss/metric/named.hpp>
#include <avss/metric/pesq.hpp>
#include <memory>
#include <optional>
#include <string_view>

#include "tools/stop_on_signal.hpp"
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
    {"PIT_STOI", "", "stoi", true},
    {"PIT_PESQ", "", "pesq", true},
    {"SIAudioMetricWrapper", "ScaleInvariantSignalNoiseRatio", "si_snri", false},
    {"SIAudioMetricWrapper", "ScaleInvariantSignalDistortionRatio", "si_sdri", false},
    {"AudioMetricWrapper", "ScaleInvariantSignalNoiseRatio", "si_snr", false},
    {"AudioMetricWrapper", "ScaleInvariantSignalDistortionRatio", "si_sdr", false},
    {"AudioMetricWrapper", "SignalDistortionRatio", "sdr", false},
    {"AudioMetricWrapper", "ShortTimeObjectiveIntelligibility", "stoi", false},
    {"AudioMetricWrapper", "PerceptualEvaluationSpeechQuality", "pesq", false},
};

[[noreturn]] void unknown(const std::string& key, const std::string& found) {
  fail(key, ": there is no metric '", found, "'; there are ", config::listed(known_metric_names()));
}

void allow(const std::string& key, const value& v, const std::vector<std::string>& keys) {
  for (const value::entry& e : v.entries())
    if (std::find(keys.begin(), keys.end(), e.key) == keys.end())
      fail(key, ".", e.key, ": a metric has no such key; it has ", config::listed(keys), config::did_you_mean(e.key, keys));
}

// How estimates are ordered where a metric's entry does not say.
struct order_rule {
  bool permuted, own;
};

metric_column read_name(const std::string& key, const std::string& name, order_rule rule) {
  const std::optional<metric_choice> choice = find_metric(name);
  if (!choice) unknown(key, name);
  return {name, *choice, rule.permuted, rule.permuted && rule.own};
}

// {metric: zm_snri, name: sdri}: one of ours under another name.
metric_column read_renamed(const std::string& key, const value& v, order_rule rule) {
  allow(key, v, {"metric", "name"});
  metric_column column = read_name(key + ".metric", v.get<std::string>("metric"), rule);
  column.name = v.get<std::string>("name", column.name);
  return column;
}

metric_column read_section(const std::string& key, const value& v, order_rule rule) {
  if (!v.child("_target_")) return read_renamed(key, v, rule);
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
    return {v.get<std::string>("name", a.name), *find_metric(a.name), a.permuted, a.permuted && rule.own};
  }
  unknown(key, wrapped.empty() ? target : target + " of " + wrapped);
}

metric_column read_entry(const std::string& key, const value& v, order_rule rule) {
  if (v.is(config::kind::map)) return read_section(key, v, rule);
  return read_name(key, v.as<std::string>(key), rule);
}

}  // namespace

std::vector<std::string> known_metric_names() {
  std::vector<std::string> names;
  for (const metric_choice& c : metric_choices()) names.push_back(c.name());
  return names;
}

std::vector<metric_column> read_metrics(const config::settings& s, const std::string& key) {
  const order_rule rule = {s.get<bool>("metrics.pit"),
                           s.one_of("metrics.permutation", {"si_snr", "per_metric"}) == "per_metric"};
  const auto entries = s.get<std::vector<value>>(key);
  std::vector<metric_column> columns;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string at = key + "[" + std::to_string(i) + "]";
    metric_column c = read_entry(at, entries[i], rule);
    for (const metric_column& old : columns)
      if (old.name == c.name) fail(at, ": a second metric of the name '", c.name, "'; take one out, or give it another name");
    columns.push_back(std::move(c));
  }
  return columns;
}

metric_instruments read_instruments(const config::settings& s, std::span<const metric_column> columns) {
  const auto asked = [&](std::string_view begin) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const metric_column& c) { return std::string_view(c.choice.metric->name).starts_with(begin); });
  };
  metric_instruments found;
  const std::string command = s.get<std::string>("metrics.pesq.command", "");
  const double seconds = s.get<double>("metrics.pesq.timeout");
  if (!(seconds > 0)) fail("metrics.pesq.timeout: expected more than 0 seconds, found ", seconds);
  if (asked("pesq"))
    found.pesq =
        std::make_shared<pesq_program>(command.empty() ? std::string(pesq_module) : command, seconds, [] { check_stop(); });
  const std::string folder = config::user_path(s.get<std::string>("metrics.dnsmos.path", ""));
  if (folder.empty() || !asked("dnsmos_")) return found;
  const auto networks = std::make_shared<const dnsmos>(folder);
  if (asked("dnsmos_p808")) networks->expect_p808();
  if (asked("dnsmos_sig") || asked("dnsmos_bak") || asked("dnsmos_ovrl")) networks->expect_p835();
  found.dnsmos = networks;
  return found;
}

}  // namespace avss::tools
