#include "tools/models/registry.hpp"

#include <avss/core/error.hpp>

namespace avss::tools {

// Adding a network: its preset in avss/model/convtasnet_presets.hpp, a file beside this one, and a line here.
#define AVSS_AUDIO_MODELS(entry)                                                                                               \
  entry(convtasnet) entry(convtasnet_asteroid) entry(convtasnet_asteroid16k) entry(convtasnet_asteroid3) entry(convtasnet_cpu) \
      entry(convtasnet_kaituoxu) entry(convtasnet_paper) entry(convtasnet_paper_causal) entry(convtasnet_small)                \
          entry(convtasnet_tiny) entry(convtasnet_torchaudio) entry(convtasnet_torchaudio_sigmoid)

#define AVSS_DECLARE(name) extern const model_entry name##_entry;
AVSS_AUDIO_MODELS(AVSS_DECLARE)
#undef AVSS_DECLARE

std::span<const model_entry* const> audio_models() {
#define AVSS_LIST(name) &name##_entry,
  static constexpr const model_entry* all[] = {AVSS_AUDIO_MODELS(AVSS_LIST)};
#undef AVSS_LIST
  return all;
}

const model_entry& find_audio_model(const std::string& name) {
  std::string names;
  for (const model_entry* m : audio_models()) {
    if (m->name == name) return *m;
    names += (names.empty() ? "" : ", ") + std::string(m->name);
  }
  fail("there is no network called '", name, "'; there are: ", names);
}

}  // namespace avss::tools
