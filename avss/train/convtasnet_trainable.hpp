// Conv-TasNet with a loss and an optimiser, on the CPU, as a training loop sees it.
#pragma once

#include <algorithm>
#include <avss/convtasnet.hpp>
#include <avss/core/error.hpp>
#include <avss/cpu/optim.hpp>
#include <avss/cpu/separation_loss.hpp>
#include <avss/cpu/to_host.hpp>
#include <avss/layer/init.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <avss/loss/objective.hpp>
#include <avss/metric/separation.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/clip.hpp>
#include <avss/optim/sgd.hpp>
#include <avss/train/optimiser_state.hpp>
#include <avss/train/separation_training.hpp>
#include <avss/train/trainable.hpp>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace avss {
namespace detail {

// The metrics have functions of these names.
using si_snr_loss = struct avss::si_snr;
using snr_loss = struct avss::snr;

}  // namespace detail

// Metrics: loss, and SI-SNR and its improvement over the mixture in dB, permuted for the best, over targets that tell
// something (no silent ones).
template <convtasnet_config S>
class convtasnet_trainable final : public trainable {
 public:
  convtasnet_trainable(std::string name, const separation_training& t)
      : objective_(t.objective),
        engine_(t.threads > 0 ? cpu{t.threads} : cpu{}),
        params_(list_params(engine_.net())),
        trained_(trained_ranges(params_)),
        optimiser_(make_optimiser(t)) {
    info_ = {
        std::move(name), "ConvTasNet", S.sample_rate, S.sources, count_params(engine_.net()), {"loss", "si_snr", "si_snri"}};
    init_params(engine_.net(), t.seed, engine_.values(), engine_.state());
    engine_.gradients();  // zero
  }

  const trainable_info& info() const override { return info_; }
  std::size_t planned_bytes(dim_t batch_size, dim_t length) const override {
    return engine_.planned_bytes(pass::train, batch_size, length);
  }

  std::vector<named_value> train_step(const batch& b, double weight) override {
    check(b);
    estimates_.resize(b.targets.size());
    double loss = 0;
    engine_.train_step(b.mixtures, std::span(estimates_), b.size, [&](auto&, auto estimate, auto d_estimate) {
      loss = loss_of(estimate, b, [&](auto& ctx, const auto& objective, auto target) {
        return avss::evaluate(ctx, weighted{objective, weight}, estimate, target, d_estimate) / weight;
      });
      return loss;
    });
    return {{"loss", loss, static_cast<double>(b.size)}};
  }

  double apply(double max_norm, const rates& r) override {
    clip_result clipped;
    planned([&](auto& ctx) { clipped = clip_gradients(ctx, engine_.gradients(), trained_, max_norm); });
    if (clipped.finite())
      std::visit(
          [&](auto& o) {
            context<cpu> ctx(engine_.backend(), memory_, pass::train);
            o.step(ctx, engine_.values(), std::span<const float>(engine_.gradients()), r);
          },
          optimiser_);
    discard();
    return clipped.norm;
  }
  void discard() override { std::fill(engine_.gradients().begin(), engine_.gradients().end(), 0.f); }

  std::vector<named_value> evaluate(const batch& b) override {
    check(b);
    estimates_.resize(b.targets.size());
    engine_.separate(std::span<const float>(b.mixtures), std::span(estimates_), b.size);
    const estimate_view estimate{estimates_.data(), typename net::estimate_shape(b.size, b.length)};
    const double loss = loss_of(estimate, b, [&](auto& ctx, const auto& objective, auto target) {
      return avss::evaluate(ctx, objective, estimate, target);
    });
    named_value si_snr{"si_snr", 0, 0}, improvement{"si_snri", 0, 0};
    const std::size_t n = static_cast<std::size_t>(b.length), s = static_cast<std::size_t>(b.sources);
    for (std::size_t i = 0; i < static_cast<std::size_t>(b.size); ++i)
      for (const source_scores& score :
           score_separation(std::span(b.mixtures).subspan(i * n, n), std::span(b.targets).subspan(i * s * n, s * n),
                            std::span<const float>(estimates_).subspan(i * s * n, s * n), s, true)) {
        add(si_snr, score.si_snr);
        add(improvement, score.si_snr_improvement);
      }
    for (named_value* v : {&si_snr, &improvement})
      if (v->items > 0) v->value /= v->items;
    return {{"loss", loss, static_cast<double>(b.size)}, si_snr, improvement};
  }

  training_state state(const rates& r) override {
    training_state s{get_weights(engine_), {}, 0};
    std::visit([&](auto& o) { s.optimizer = optimiser_state(o, params_, r), s.optimiser_steps = o.steps(); }, optimiser_);
    return s;
  }
  void restore(const training_state& s, const std::string& origin) override {
    std::visit([&](auto& o) { restore_optimiser(o, params_, s.optimizer, s.optimiser_steps, origin); }, optimiser_);
    set_weights(engine_, s.weights, origin);
  }
  void load_weights(const loaded_weights& file, const std::string& origin) override {
    avss::load_weights(engine_, file, origin);
  }

 private:
  using net = ConvTasNet<S>;
  using estimate_view = view<typename net::estimate_shape, float>;

  std::variant<adam<float>, sgd<float>> make_optimiser(const separation_training& t) {
    const dim_t extent = static_cast<dim_t>(engine_.values().size());
    if (const auto* a = std::get_if<adam_config>(&t.optimiser)) return adam<float>(*a, trained_, extent);
    return sgd<float>(std::get<sgd_config>(t.optimiser), trained_, extent);
  }

  void check(const batch& b) const {
    if (b.sources != S.sources || b.size < 1 || b.length < 1)
      fail(info_.name, " takes items of ", S.sources, " sources, not a batch of ", b.size, " with ", b.sources, " and ",
           b.length, " samples");
  }

  static void add(named_value& mean, const ratio& r) {
    if (r.status == ratio_status::measured) mean.value += r.value, mean.items += 1;
  }

  // body(ctx), first with a context that measures, then with one that has just that memory.
  template <class Body>
  void planned(Body&& body) {
    arena plan;
    context<measure<cpu>> dry({engine_.backend()}, plan, pass::train);
    body(dry);
    if (memory_.measures() || memory_.capacity() < plan.peak()) memory_ = arena(plan.peak());
    memory_.reset();
    context<cpu> ctx(engine_.backend(), memory_, pass::train);
    body(ctx);
  }

  // The chosen objective's loss; run(ctx, objective, target) evaluates it.
  template <class Run>
  double loss_of(estimate_view estimate, const batch& b, Run&& run) {
    const view<typename net::estimate_shape, const float> target{b.targets.data(), estimate.extents};
    double loss = 0;
    const auto with = [&](const auto& objective) { planned([&](auto& ctx) { loss = run(ctx, objective, target); }); };
    switch (objective_) {
      case separation_objective::pit_si_snr: with(pit{detail::si_snr_loss{}}); break;
      case separation_objective::si_snr: with(detail::si_snr_loss{}); break;
      case separation_objective::pit_snr: with(pit{detail::snr_loss{}}); break;
      case separation_objective::snr: with(detail::snr_loss{}); break;
    }
    return loss;
  }

  separation_objective objective_;
  engine<net, cpu> engine_;
  std::vector<param_info> params_;
  std::vector<flat_range> trained_;
  std::variant<adam<float>, sgd<float>> optimiser_;
  trainable_info info_;
  arena memory_;  // of the loss and of clipping
  std::vector<float> estimates_;
};

}  // namespace avss
