#include "tools/models/registry.hpp"

#include <avss/core/error.hpp>
#include <avss/model/rtfsnet_config.hpp>
#include <string_view>
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

// The published networks that differ from a preset in nothing but the number of passes. All others are named by the preset and
// the key.
struct named_passes {
  const char *name, *compiled;
  int passes;
};
constexpr named_passes published[] = {{"rtfsnet_6", "rtfsnet_4", 6},
                                      {"rtfsnet_12", "rtfsnet_4", 12},
                                      {"rtfsnet_6_2023", "rtfsnet_4_2023", 6},
                                      {"rtfsnet_12_2023", "rtfsnet_4_2023", 12}};

const model_entry* find_compiled(std::string_view name) {
  for (const model_entry* m : all_models())
    if (m->name == name) return m;
  return nullptr;
}

}  // namespace

model_entry with_passes(const model_entry& e, std::int64_t passes) {
  model_entry other = *find_compiled(e.compiled);
  auto* const config = std::get_if<rtfsnet_config>(&other.config);
  if (!config || config->passes == passes) return other;
  config->passes = static_cast<int>(passes);
  other.name += " model.passes=" + std::to_string(passes);
  for (const named_passes& p : published)
    if (other.compiled == std::string_view(p.compiled) && passes == p.passes) other.name = p.name;
  return other;
}

model_entry find_model(const std::string& name) {
  if (const model_entry* m = find_compiled(name)) return *m;
  for (const named_passes& p : published)
    if (p.name == name) return with_passes(*find_compiled(p.compiled), p.passes);
  fail("there is no network called '", name, "'; there are: ", names(all_models()));
}

std::string names(std::span<const model_entry* const> entries) {
  std::string all;
  for (const model_entry* e : entries) all += (all.empty() ? "" : ", ") + std::string(e->name);
  return all;
}

}  // namespace avss::tools
