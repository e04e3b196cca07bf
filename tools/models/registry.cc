#include "tools/models/registry.hpp"

#include <avss/core/error.hpp>

namespace avss::tools {

// Adding a network: its preset in avss/model/convtasnet_presets.hpp or rtfsnet_config.hpp, a file beside this one, and a line
// here.
#define AVSS_MODELS(entry)                                                                                                     \
  entry(convtasnet) entry(convtasnet_asteroid) entry(convtasnet_asteroid16k) entry(convtasnet_asteroid3) entry(convtasnet_cpu) \
      entry(convtasnet_kaituoxu) entry(convtasnet_paper) entry(convtasnet_paper_causal) entry(convtasnet_small)                \
          entry(convtasnet_tiny) entry(convtasnet_torchaudio) entry(convtasnet_torchaudio_sigmoid) entry(rtfsnet)              \
              entry(rtfsnet_time) entry(rtfsnet_4) entry(rtfsnet_6) entry(rtfsnet_12) entry(rtfsnet_4_2023)                    \
                  entry(rtfsnet_6_2023) entry(rtfsnet_12_2023) entry(rtfsnet_small) entry(rtfsnet_tiny)

#define AVSS_DECLARE(name) extern const model_entry name##_entry;
AVSS_MODELS(AVSS_DECLARE)
#undef AVSS_DECLARE

std::span<const model_entry* const> all_models() {
#define AVSS_LIST(name) &name##_entry,
  static constexpr const model_entry* all[] = {AVSS_MODELS(AVSS_LIST)};
#undef AVSS_LIST
  return all;
}

const model_entry& find_model(const std::string& name) {
  for (const model_entry* m : all_models())
    if (m->name == name) return *m;
  fail("there is no network called '", name, "'; there are: ", names(all_models()));
}

std::string names(std::span<const model_entry* const> entries) {
  std::string all;
  for (const model_entry* e : entries) all += (all.empty() ? "" : ", ") + std::string(e->name);
  return all;
}

}  // namespace avss::tools
