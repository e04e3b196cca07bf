// Conv-TasNet with a loss and an optimiser, as a training loop sees it. Operations as for separation_trainable.
#pragma once

#include <avss/core/error.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/model/convtasnet_weights.hpp>
#include <avss/model/engine.hpp>
#include <avss/train/separation_trainable.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace avss {

// Metrics are permuted for the best.
template <convtasnet_config S, class B>
class convtasnet_trainable_on : public separation_trainable<engine<ConvTasNet<S>, B>> {
 public:
  convtasnet_trainable_on(std::string name, const separation_training_on<B>& t, B backend)
      : base(about(std::move(name)), t, std::move(backend), true) {}

  std::size_t planned_bytes(dim_t batch_size, dim_t length) const override {
    return engine_.planned_bytes(pass::train, batch_size, length) + this->loss_bytes(batch_size, S.sources, length);
  }

 private:
  using base = separation_trainable<engine<ConvTasNet<S>, B>>;
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
  void learn(const batch& b, const typename base::loss_function& loss) override {
    engine_.train_step(b.mixtures, {}, b.size, [&](auto&, auto estimates, auto d_estimates) {
      loss(estimates.data, d_estimates.data, {});
      return 0;
    });
  }
  own_spectra<float> separate(const batch& b, std::span<float> estimates) override {
    engine_.separate(std::span<const float>(b.mixtures), estimates, b.size);
    return {};
  }
};

}  // namespace avss
