#include "tools/models/trainables.hpp"

#include <avss/core/error.hpp>
#include <string>

namespace avss::tools {

// Adding a network: a file train_NAME.cc beside this one, and a line here and in BUILD.
#define AVSS_TRAINABLES(entry)                                                                                        \
  entry(convtasnet) entry(convtasnet_cpu) entry(convtasnet_small) entry(convtasnet_tiny) entry(convtasnet_torchaudio) \
      entry(rtfsnet_4) entry(rtfsnet_small) entry(rtfsnet_time) entry(rtfsnet_tiny)

#define AVSS_DECLARE(name) extern const trainable_entry name##_training;
AVSS_TRAINABLES(AVSS_DECLARE)
#undef AVSS_DECLARE

std::unique_ptr<trainable> make_trainable(const model_entry& entry, const separation_training& t) {
#define AVSS_LIST(name) &name##_training,
  static constexpr const trainable_entry* all[] = {AVSS_TRAINABLES(AVSS_LIST)};
#undef AVSS_LIST
  std::string names;
  for (const trainable_entry* e : all) {
    if (std::string(e->name) == entry.compiled) return e->make(entry, t);
    names += (names.empty() ? "" : ", ") + std::string(e->name);
  }
  fail("model=", entry.name, " is compiled for separation only; networks that can be trained: ", names,
       "; or add a file to tools/models");
}

}  // namespace avss::tools
