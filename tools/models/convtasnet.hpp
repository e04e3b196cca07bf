// A Conv-TasNet preset behind the separator interface, on the CPU.
#pragma once

#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/filterbank.hpp>
#include <avss/model/convtasnet_presets.hpp>
#include <avss/model/convtasnet_weights.hpp>
#include <avss/model/engine.hpp>
#include <memory>
#include <span>
#include <string>

#include "tools/models/entry.hpp"

namespace avss::tools {

template <convtasnet_config S>
class convtasnet_separator final : public separator {
 public:
  using net = ConvTasNet<S>;

  convtasnet_separator(const char* name, int threads) : engine_(cpu(threads)) {
    info_ = {name, S.sample_rate, static_cast<int>(S.sources), count_params(engine_.net()), net::receptive_field()};
  }

  const separator_info& info() const override { return info_; }
  void load(const loaded_weights& file, const std::string& origin) override { load_weights(engine_, file, origin); }
  void save(const std::string& path, const std::string& layout) override {
    save_weights(engine_, path, layout.empty() ? "torchaudio" : layout);
  }
  void separate(std::span<const float> mixture, std::span<float> estimates) override { engine_.separate(mixture, estimates); }
  std::size_t planned_bytes(dim_t length) const override { return engine_.planned_bytes(pass::infer, 1, length); }

 private:
  separator_info info_;
  engine<net, cpu> engine_;
};

// The registry's entry of preset S.
#define AVSS_CONVTASNET_ENTRY(preset, about)                                                                           \
  namespace avss::tools {                                                                                              \
  extern const model_entry preset##_entry;                                                                             \
  const model_entry preset##_entry{#preset,                                                                            \
                                   #preset,                                                                            \
                                   about,                                                                              \
                                   presets::preset,                                                                    \
                                   [] { return list_params(ConvTasNet<presets::preset>()); },                          \
                                   [](const model_entry&, int threads) -> any_separator {                              \
                                     return std::make_unique<convtasnet_separator<presets::preset>>(#preset, threads); \
                                   }};                                                                                 \
  }

}  // namespace avss::tools
