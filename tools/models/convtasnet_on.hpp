// A Conv-TasNet preset behind the separator interface. Operations are compiled where this is instantiated: include the
// backend's headers of them first.
#pragma once

#include <avss/model/convtasnet_presets.hpp>
#include <avss/model/convtasnet_weights.hpp>
#include <avss/model/engine.hpp>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "tools/models/entry.hpp"

namespace avss::tools {

template <convtasnet_config S, class B>
class convtasnet_separator_on final : public separator {
 public:
  using net = ConvTasNet<S>;

  convtasnet_separator_on(const char* name, B backend) : engine_(std::move(backend)) {
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
  engine<net, B> engine_;
};

}  // namespace avss::tools
