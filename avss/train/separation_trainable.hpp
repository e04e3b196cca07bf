// What networks for separation have in common when they are trained on the CPU: loss, clipping, optimiser, metrics, state.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/cpu/optim.hpp>
#include <avss/cpu/separation_loss.hpp>
#include <avss/cpu/to_host.hpp>
#include <avss/layer/init.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <avss/loss/objective.hpp>
#include <avss/metric/separation.hpp>
#include <avss/model/weights.hpp>
#include <avss/op/spectrum.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/average.hpp>
#include <avss/optim/clip.hpp>
#include <avss/optim/sgd.hpp>
#include <avss/train/frozen_parts.hpp>
#include <avss/train/optimiser_state.hpp>
#include <avss/train/separation_training.hpp>
#include <avss/train/trainable.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace avss {
namespace detail {

// The metrics have functions of these names.
using si_snr_loss = struct avss::si_snr;
using snr_loss = struct avss::snr;

}  // namespace detail

// Metrics: loss, the parts of a sum by their names, and SI-SNR and its improvement over the mixture in dB over targets that
// tell something (no silent ones). Engine: engine<Net, cpu> or av_engine<Net, cpu>.
template <class Engine>
class separation_trainable : public trainable {
 public:
  const trainable_info& info() const override { return info_; }

  std::vector<named_value> train_step(const batch& b, double weight) override {
    check(b);
    estimates_.resize(b.targets.size());
    double loss = 0;
    const std::vector<float> statistics(engine_.state().begin(), engine_.state().end());
    learn(b, estimates_, [&](float* d_estimates, const own_spectra<float>& spectra) {
      if (criterion_) {
        loss = criterion_->run(engine_.backend(), memory_, waveforms_of(b, d_estimates, spectra), weight, detail_);
        return;
      }
      const waveforms_view estimate = estimates_of(b), d_estimate{d_estimates, estimate.extents};
      loss = loss_of(b, [&](auto& ctx, const auto& objective, auto target) {
        return avss::evaluate(ctx, weighted{objective, weight}, estimate, target, d_estimate) / weight;
      });
    });
    keep_frozen(statistics);
    std::vector<named_value> values{{"loss", loss, static_cast<double>(b.size)}};
    add_parts(values, b.size);
    return values;
  }

  double apply(double max_norm, const rates& r) override {
    clip_result clipped;
    if (engine_.backend().group) engine_.backend().group->sum(engine_.gradients());
    planned([&](auto& ctx) { clipped = clip_gradients(ctx, engine_.gradients(), trained_, max_norm); });
    if (clipped.finite())
      std::visit(
          [&](auto& o) {
            context<cpu> ctx(engine_.backend(), memory_, pass::train);
            o.step(ctx, engine_.values(), std::span<const float>(engine_.gradients()), r);
            if (average_) average_->update(ctx, engine_.values());
          },
          optimiser_);
    forget_gradients(clipped.finite());
    return clipped.norm;
  }
  void discard() override { forget_gradients(false); }

  std::vector<named_value> evaluate(const batch& b) override {
    check(b);
    estimates_.resize(b.targets.size());
    own_spectra<float> spectra;
    with_average([&] { spectra = separate(b, estimates_); });
    const double loss = criterion_ ? criterion_->run(engine_.backend(), memory_, waveforms_of(b, nullptr, spectra), 1, detail_)
                                   : loss_of(b, [&](auto& ctx, const auto& objective, auto target) {
                                       return avss::evaluate(ctx, objective, estimates_of(b), target);
                                     });
    named_value si_snr{"si_snr", 0, 0}, improvement{"si_snri", 0, 0};
    const std::size_t n = static_cast<std::size_t>(b.length), s = static_cast<std::size_t>(b.sources);
    for (std::size_t i = 0; i < static_cast<std::size_t>(b.size); ++i)
      for (const source_scores& score :
           score_separation(std::span(b.mixtures).subspan(i * n, n), std::span(b.targets).subspan(i * s * n, s * n),
                            std::span<const float>(estimates_).subspan(i * s * n, s * n), s, permuted_)) {
        add(si_snr, score.si_snr);
        add(improvement, score.si_snr_improvement);
      }
    for (named_value* v : {&si_snr, &improvement})
      if (v->items > 0) v->value /= v->items;
    std::vector<named_value> values{{"loss", loss, static_cast<double>(b.size)}, si_snr, improvement};
    add_parts(values, b.size);
    return values;
  }

  std::span<const float> estimates() const override { return estimates_; }

  training_state state(const rates& r) override {
    training_state s;
    with_average([&] { s.weights = get_weights(engine_); });
    if (average_) s.trained_weights = get_weights(engine_);
    std::visit([&](auto& o) { s.optimizer = optimiser_state(o, params_, r), s.optimiser_steps = o.steps(); }, optimiser_);
    return s;
  }
  void restore(const training_state& s, const std::string& origin) override {
    std::visit([&](auto& o) { restore_optimiser(o, params_, s.optimizer, s.optimiser_steps, origin); }, optimiser_);
    set_weights(engine_, s.weights, origin);
    if (average_) average_->set(engine_.values());
    if (!s.trained_weights.entries.empty()) set_weights(engine_, s.trained_weights, origin);
  }
  void load_weights(const loaded_weights& file, const std::string& origin) final {
    take_weights(file, origin);
    if (average_) average_->set(engine_.values());
  }

 protected:
  // `permuted`: metrics take the best permutation.
  template <class... Net>
  separation_trainable(trainable_info info, const separation_training& t, bool permuted, Net... net)
      : engine_(cpu(t.threads, t.group), std::move(net)...),
        info_(std::move(info)),
        backend_(t.threads, t.group),
        permuted_(permuted),
        objective_(t.objective),
        criterion_(t.criterion),
        params_(freeze_params(list_params(engine_.net()), t.frozen)),
        trained_(trained_ranges(params_)),
        optimiser_(make_optimiser(t)) {
    info_.parameters = count_params(engine_.net());
    info_.metrics = {"loss", "si_snr", "si_snri"};
    if (criterion_) part_names_ = criterion_->names();
    info_.metrics.insert(info_.metrics.end(), part_names_.begin(), part_names_.end());
    init_params(engine_.net(), t.seed, engine_.values(), engine_.state());
    engine_.gradients();  // zero
    if (t.ema_decay != 0)
      average_.emplace(t.ema_decay, trained_, std::vector<float>(engine_.values().begin(), engine_.values().end()));
  }

  // Throws error for a batch that the network cannot take.
  virtual void check(const batch& b) const = 0;
  // Assigns d_estimates, and adds to the gradient of the network's own spectra, where it has some.
  using loss_function = std::function<void(float* d_estimates, const own_spectra<float>& spectra)>;
  // Runs the network forward into the estimates and back from the gradient that loss() makes.
  virtual void learn(const batch& b, std::span<float> estimates, const loss_function& loss) = 0;
  // Runs it as it will be used. Returns its own spectra, until the next call, if takes_spectra() and it has some.
  virtual own_spectra<float> separate(const batch& b, std::span<float> estimates) = 0;
  // Weights alone, in any known layout, into the engine.
  virtual void take_weights(const loaded_weights& file, const std::string& origin) = 0;
  // The gradients since the last call were used, or given up.
  virtual void settle(bool) {}

  std::int64_t steps() const {
    return std::visit([](const auto& o) { return o.steps(); }, optimiser_);
  }

  bool takes_spectra() const { return criterion_ && criterion_->takes_spectra(); }

  // Bytes of the loss's own memory; spectra: of the network, where the loss takes them.
  std::size_t loss_bytes(dim_t batch_size, dim_t sources, dim_t length, const op::framing& spectra = {}) const {
    if (criterion_)
      return criterion_->planned_bytes(
          backend_, {batch_size, sources, length, nullptr, nullptr, nullptr, false, {spectra, nullptr, nullptr}});
    arena plan;
    context<measure<cpu>> dry({backend_}, plan, pass::train);
    float wanted = 0;  // a gradient is; nothing is read or written
    with_objective([&](const auto& objective) {
      avss::evaluate(dry, objective, waveforms<float>{batch_size, sources, length, nullptr, nullptr, &wanted});
    });
    return plan.peak();
  }

  Engine engine_;
  trainable_info info_;

 private:
  using waveforms_view = view<shape<dyn, dyn, dyn>, float>;

  std::variant<adam<float>, sgd<float>> make_optimiser(const separation_training& t) {
    const dim_t extent = static_cast<dim_t>(engine_.values().size());
    if (const auto* a = std::get_if<adam_config>(&t.optimiser)) return adam<float>(*a, trained_, extent);
    return sgd<float>(std::get<sgd_config>(t.optimiser), trained_, extent);
  }

  void forget_gradients(bool taken) {
    std::fill(engine_.gradients().begin(), engine_.gradients().end(), 0.f);
    settle(taken);
  }

  // body() with the network as it will be used.
  template <class Body>
  void with_average(Body&& body) {
    if (!average_) return body();
    average_->exchange(engine_.values());
    try {
      body();
    } catch (...) {
      average_->exchange(engine_.values());
      throw;
    }
    average_->exchange(engine_.values());
  }

  // Running statistics of frozen parts become again what they were.
  void keep_frozen(const std::vector<float>& statistics) {
    for (const param_info& p : params_)
      if (p.is_state && !p.trained) std::copy_n(statistics.begin() + p.offset, p.size, engine_.state().begin() + p.offset);
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

  waveforms_view estimates_of(const batch& b) { return {estimates_.data(), shape<dyn, dyn, dyn>(b.size, b.sources, b.length)}; }

  // The chosen objective's loss; run(ctx, objective, target) evaluates it.
  template <class Run>
  double loss_of(const batch& b, Run&& run) {
    const view<shape<dyn, dyn, dyn>, const float> target{b.targets.data(), estimates_of(b).extents};
    double loss = 0;
    with_objective([&](const auto& objective) { planned([&](auto& ctx) { loss = run(ctx, objective, target); }); });
    return loss;
  }
  template <class With>
  void with_objective(With&& with) const {
    switch (objective_) {
      case separation_objective::pit_si_snr: with(pit{detail::si_snr_loss{}}); break;
      case separation_objective::si_snr: with(detail::si_snr_loss{}); break;
      case separation_objective::pit_snr: with(pit{detail::snr_loss{}}); break;
      case separation_objective::snr: with(detail::snr_loss{}); break;
    }
  }

  waveforms<float> waveforms_of(const batch& b, float* d_estimates, const own_spectra<float>& spectra) const {
    waveforms<float> w{b.size, b.sources, b.length, estimates_.data(), b.targets.data(), d_estimates};
    if (takes_spectra()) w.spectra = spectra;
    return w;
  }
  void add_parts(std::vector<named_value>& values, dim_t items) const {
    for (std::size_t i = 0; i < part_names_.size(); ++i)
      values.push_back({part_names_[i], detail_.parts[i].value, static_cast<double>(items)});
  }

  cpu backend_;  // what memory is planned for
  bool permuted_;
  separation_objective objective_;
  std::shared_ptr<const criterion> criterion_;
  std::vector<std::string> part_names_;
  loss_detail detail_;
  std::vector<param_info> params_;
  std::vector<flat_range> trained_;
  std::variant<adam<float>, sgd<float>> optimiser_;
  std::optional<moving_average<float>> average_;
  arena memory_;  // of the loss and of clipping
  std::vector<float> estimates_;
};

}  // namespace avss
