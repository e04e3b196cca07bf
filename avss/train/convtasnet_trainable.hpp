// Conv-TasNet with a loss and an optimiser, on the CPU, as a training loop sees it.
#pragma once

#include <avss/convtasnet.hpp>
#include <avss/core/error.hpp>
#include <avss/train/separation_trainable.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace avss {

// Metrics are permuted for the best.
template <convtasnet_config S>
class convtasnet_trainable final : public separation_trainable<engine<ConvTasNet<S>, cpu>> {
 public:
  convtasnet_trainable(std::string name, const separation_training& t) : base(about(std::move(name)), t, true) {}

  std::size_t planned_bytes(dim_t batch_size, dim_t length) const override {
    return engine_.planned_bytes(pass::train, batch_size, length) + this->loss_bytes(batch_size, S.sources, length);
  }

 private:
  using base = separation_trainable<engine<ConvTasNet<S>, cpu>>;
  using base::engine_;

  static trainable_info about(std::string name) {
    trainable_info info;
    info.name = std::move(name), info.arch = "ConvTasNet", info.sample_rate = S.sample_rate, info.sources = S.sources;
    return info;
  }

  void check(const batch& b) const override {
    if (b.sources != S.sources || b.size < 1 || b.length < 1)
      fail(this->info_.name, " takes items of ", S.sources, " sources, not a batch of ", b.size, " with ", b.sources, " and ",
           b.length, " samples");
  }
  void take_weights(const loaded_weights& file, const std::string& origin) override {
    avss::load_weights(engine_, file, origin);
  }
  void learn(const batch& b, std::span<float> estimates, const typename base::loss_function& loss) override {
    engine_.train_step(b.mixtures, estimates, b.size, [&](auto&, auto, auto d_estimate) {
      loss(d_estimate.data, {});
      return 0;
    });
  }
  own_spectra<float> separate(const batch& b, std::span<float> estimates) override {
    engine_.separate(std::span<const float>(b.mixtures), estimates, b.size);
    return {};
  }
};

}  // namespace avss
