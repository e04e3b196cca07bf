#include "tools/models/registry.hpp"

#include <avss/core/error.hpp>
#include <avss/model/rtfsnet_config.hpp>
#include <cstddef>
#include <variant>

namespace avss::tools {

// Adding a network: its preset in avss/model/convtasnet_presets.hpp or rtfsnet_config.hpp, a file beside this one, and a line
// here.
#define AVSS_MODELS(entry)                                                                                                     \
  entry(convtasnet) entry(convtasnet_asteroid) entry(convtasnet_asteroid16k) entry(convtasnet_asteroid3) entry(convtasnet_cpu) \
      entry(convtasnet_kaituoxu) entry(convtasnet_paper) entry(convtasnet_paper_causal) entry(convtasnet_small)                \
          entry(convtasnet_tiny) entry(convtasnet_torchaudio) entry(convtasnet_torchaudio_sigmoid) entry(rtfsnet)              \
              entry(rtfsnet_time) entry(rtfsnet_4) entry(rtfsnet_4_2023) entry(rtfsnet_small) entry(rtfsnet_tiny)

#define AVSS_DECLARE(name) extern const model_entry name##_entry;
AVSS_MODELS(AVSS_DECLARE)
#undef AVSS_DECLARE

std::span<const model_entry* const> all_models() {
#define AVSS_LIST(name) &name##_entry,
  static constexpr const model_entry* all[] = {AVSS_MODELS(AVSS_LIST)};
#undef AVSS_LIST
  return all;
}

namespace {

// Where the number of its passes stands in a preset's name: "rtfsnet_4", "rtfsnet_4_2023".
std::size_t place_of_passes(const model_entry& e, const std::string& passes) {
  const std::size_t at = std::string(e.compiled).find("_" + passes);
  return at == std::string::npos ? at : at + 1;
}

}  // namespace

model_entry with_passes(const model_entry& e, std::int64_t passes) {
  model_entry other = find_model(e.compiled);
  auto* const config = std::get_if<rtfsnet_config>(&other.config);
  if (!config || config->passes == passes) return other;
  const std::string before = std::to_string(config->passes);
  if (const std::size_t at = place_of_passes(other, before); at != std::string::npos)
    other.name.replace(at, before.size(), std::to_string(passes));
  else
    other.name += " of " + std::to_string(passes) + " passes";
  config->passes = static_cast<int>(passes);
  return other;
}

model_entry find_model(const std::string& name) {
  for (const model_entry* m : all_models())
    if (m->name == name) return *m;
  for (const model_entry* m : all_models())
    if (const auto* c = std::get_if<rtfsnet_config>(&m->config))
      for (int passes = 1; passes <= most_passes; ++passes)
        if (place_of_passes(*m, std::to_string(c->passes)) != std::string::npos && with_passes(*m, passes).name == name)
          return with_passes(*m, passes);
  fail("there is no network called '", name, "'; there are: ", names(all_models()));
}

std::string names(std::span<const model_entry* const> entries) {
  std::string all;
  for (const model_entry* e : entries) all += (all.empty() ? "" : ", ") + std::string(e->name);
  return all;
}

}  // namespace avss::tools
