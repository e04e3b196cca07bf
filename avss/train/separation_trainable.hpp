// What networks for separation have in common when they are trained: loss, clipping, optimiser, metrics, state. Operations are
// compiled where this is instantiated: include the backend's headers of them first.
#pragma once

#include <algorithm>
#include <array>
#include <avss/core/error.hpp>
#include <avss/core/placement.hpp>
#include <avss/layer/init.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <avss/loss/permuted.hpp>
#include <avss/metric/separation.hpp>
#include <avss/model/weights.hpp>
#include <avss/op/optim.hpp>
#include <avss/op/spectrum.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/average.hpp>
#include <avss/optim/clip.hpp>
#include <avss/optim/sgd.hpp>
#include <avss/train/frozen_parts.hpp>
#include <avss/train/objective_criterion.hpp>
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
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace avss {
// Metrics: loss, the parts of a sum by their names, and SI-SNR and its improvement over the mixture in dB over targets that
// tell something (no silent ones). Engine: engine<Net, B> or av_engine<Net, B>; gradients, moments and losses lie in B's
// memory.
template <class Engine>
class separation_trainable : public trainable {
 public:
  using backend_type = typename Engine::backend_type;

  const trainable_info& info() const override { return info_; }

  std::vector<named_value> train_step(const batch& b, double weight) override {
    check(b);
    const std::vector<float> statistics = frozen_statistics();
    const float* const targets = targets_.in(engine_.backend(), b.targets, "the targets");
    learn(b, [&](const float* estimates, float* d_estimates, const own_spectra<float>& spectra) {
      criterion_->run(engine_.backend(), memory_, waveforms_of(b, estimates, targets, d_estimates, spectra), weight, losses_);
    });
    keep_frozen(statistics);
    const double loss = criterion_->look(engine_.backend(), losses_, detail_);  // a device is on its way back meanwhile
    std::vector<named_value> values{{"loss", loss, static_cast<double>(b.size)}};
    add_parts(values, b.size);
    return values;
  }

  double apply(double max_norm, const rates& r) override {
    clip_result clipped;
    sum_gradients();
    planned([&](auto& ctx) { clipped = clip_gradients(ctx, engine_.gradients(), trained_, max_norm); });
    if (clipped.finite()) {
      std::visit([&](auto& o) { take_step(o, r); }, optimiser_);
      settle(true);
    } else {
      forget_gradients(false);
    }
    return clipped.norm;
  }
  void discard() override { forget_gradients(false); }

  std::vector<named_value> evaluate(const batch& b) override {
    check(b);
    estimates_.resize(b.targets.size());
    own_spectra<float> spectra;
    with_average([&] { spectra = separate(b, estimates_); });
    const float* const heard = heard_.in(engine_.backend(), estimates_, "the estimates");
    const float* const targets = targets_.in(engine_.backend(), b.targets, "the targets");
    criterion_->run(engine_.backend(), memory_, waveforms_of(b, heard, targets, nullptr, spectra), 1, losses_);
    const double loss = criterion_->look(engine_.backend(), losses_, detail_);
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
    std::visit([&](auto& o) { s.optimizer = optimiser_state(backend_, o, params_, r), s.optimiser_steps = o.steps(); },
               optimiser_);
    return s;
  }
  void restore(const training_state& s, const std::string& origin) override {
    std::visit([&](auto& o) { restore_optimiser(backend_, o, params_, s.optimizer, s.optimiser_steps, origin); }, optimiser_);
    set_weights(engine_, s.weights, origin);
    average_anew();
    if (!s.trained_weights.entries.empty()) set_weights(engine_, s.trained_weights, origin);
  }
  void load_weights(const loaded_weights& file, const std::string& origin) final {
    take_weights(file, origin);
    average_anew();
  }

 protected:
  // `permuted`: metrics take the best permutation.
  template <class... Net>
  separation_trainable(trainable_info info, const separation_training_on<backend_type>& t, backend_type backend, bool permuted,
                       Net... net)
      : engine_(backend, std::move(net)...),
        info_(std::move(info)),
        backend_(std::move(backend)),
        permuted_(permuted),
        criterion_(t.criterion ? t.criterion : criterion_for<backend_type>(pit<struct si_snr>{{}})),
        params_(freeze_params(list_params(engine_.net()), t.frozen)),
        trained_(trained_ranges(params_)),
        optimiser_(make_optimiser(t)) {
    info_.parameters = count_params(engine_.net());
    info_.metrics = {"loss", "si_snr", "si_snri"};
    part_names_ = criterion_->names();
    info_.metrics.insert(info_.metrics.end(), part_names_.begin(), part_names_.end());
    edit(engine_.backend(), engine_.values(), [&](std::span<float> values) {
      edit(engine_.backend(), engine_.state(),
           [&](std::span<float> state) { init_params(engine_.net(), t.seed, values, state); });
    });
    engine_.gradients();  // zero
    if (t.ema_decay != 0) average_.emplace(t.ema_decay, trained_, array(engine_.values().size()));
    average_anew();
  }

  // Throws error for a batch that the network cannot take.
  virtual void check(const batch& b) const = 0;
  // Assigns d_estimates, and adds to the gradient of the network's own spectra, where it has some. All lie in the backend's
  // memory.
  using loss_function = std::function<void(const float* estimates, float* d_estimates, const own_spectra<float>& spectra)>;
  // Runs the network forward and back from the gradient that loss() makes.
  virtual void learn(const batch& b, const loss_function& loss) = 0;
  // Runs it as it will be used, into the host's estimates. Returns its own spectra in the backend's memory, until the next
  // call, if takes_spectra() and it has some.
  virtual own_spectra<float> separate(const batch& b, std::span<float> estimates) = 0;
  // Weights alone, in any known layout, into the engine.
  virtual void take_weights(const loaded_weights& file, const std::string& origin) = 0;
  // The gradients since the last call were used, or given up.
  virtual void settle(bool) {}

  std::int64_t steps() const {
    return std::visit([](const auto& o) { return o.steps(); }, optimiser_);
  }

  bool takes_spectra() const { return criterion_->takes_spectra(); }

  // Bytes of the loss's own memory; spectra: of the network, where the loss takes them.
  std::size_t loss_bytes(dim_t batch_size, dim_t sources, dim_t length, const op::framing& spectra = {}) const {
    return criterion_->planned_bytes(
        backend_, {batch_size, sources, length, nullptr, nullptr, nullptr, false, {spectra, nullptr, nullptr}});
  }

  Engine engine_;
  trainable_info info_;

 private:
  using B = backend_type;
  using array = typename Engine::array;
  using any_optimiser = std::variant<adam<float, array>, sgd<float, array>>;

  any_optimiser make_optimiser(const separation_training_on<B>& t) {
    const dim_t extent = static_cast<dim_t>(engine_.values().size());
    if (const auto* a = std::get_if<adam_config>(&t.optimiser)) return adam<float, array>(*a, trained_, extent);
    return sgd<float, array>(std::get<sgd_config>(t.optimiser), trained_, extent);
  }

  // Over the workers that share the batch.
  void sum_gradients() {
    B& backend = engine_.backend();
    if (!backend.group) return;
    if constexpr (placement<B>::on_host)
      backend.group->sum(engine_.gradients());
    else
      backend.group->sum(backend, engine_.gradients());
  }

  void forget_gradients(bool taken) {
    placement<B>::zero(engine_.backend(), engine_.gradients());
    settle(taken);
  }

  // The optimiser's step, the average, and gradients of zero: one piece of work, whose rates lie in the backend's memory, so
  // that a device does it again without being told.
  template <class Optimiser>
  void take_step(Optimiser& o, const rates& r) {
    const auto now = o.advance(r);
    const auto* const at = std::get<placed<decltype(now)>>(rates_).set(engine_.backend(), now);
    const std::span<float> values = engine_.values(), gradients = engine_.gradients();
    const float* const average = average_ ? average_->values().data() : nullptr;
    stepping_.run(engine_.backend(), {values.data(), gradients.data(), average, at}, [&] {
      context<B> ctx(engine_.backend(), memory_, pass::train);
      o.run(ctx, values, std::span<const float>(gradients), now, at);
      if (average_) average_->run(ctx, values);
      placement<B>::zero(engine_.backend(), gradients);
    });
    if (average_) average_->count();
  }

  // The average goes on from what the values are now.
  void average_anew() {
    if (!average_) return;
    array& to = average_->values();
    placement<B>::copy(engine_.backend(), std::span<const float>(engine_.values()), std::span<float>(to.data(), to.size()));
  }

  // body() with the network as it will be used.
  template <class Body>
  void with_average(Body&& body) {
    if (!average_) return body();
    engine_.exchange_values(average_->values());
    try {
      body();
    } catch (...) {
      engine_.exchange_values(average_->values());
      throw;
    }
    engine_.exchange_values(average_->values());
  }

  static bool is_frozen(const param_info& p) { return p.is_state && !p.trained; }
  // All state, if some of it is frozen.
  std::vector<float> frozen_statistics() {
    std::vector<float> all;
    if (std::any_of(params_.begin(), params_.end(), is_frozen))
      look(engine_.backend(), std::span<const float>(engine_.state()),
           [&](std::span<const float> state) { all.assign(state.begin(), state.end()); });
    return all;
  }
  // Running statistics of frozen parts become again what they were.
  void keep_frozen(const std::vector<float>& statistics) {
    if (statistics.empty()) return;
    edit(engine_.backend(), engine_.state(), [&](std::span<float> state) {
      for (const param_info& p : params_)
        if (is_frozen(p)) std::copy_n(statistics.begin() + p.offset, p.size, state.begin() + p.offset);
    });
  }

  static void add(named_value& mean, const ratio& r) {
    if (r.status == ratio_status::measured) mean.value += r.value, mean.items += 1;
  }

  // body(ctx), first with a context that measures, then with one that has just that memory.
  template <class Body>
  void planned(Body&& body) {
    arena plan;
    context<measure<B>> dry({engine_.backend()}, plan, pass::train);
    body(dry);
    if (memory_.measures() || memory_.capacity() < plan.peak()) {
      placement<B>::before_release(engine_.backend());
      memory_ = arena();  // gives the old one back first
      memory_ = placement<B>::make_arena(plan.peak());
    }
    memory_.reset();
    context<B> ctx(engine_.backend(), memory_, pass::train);
    body(ctx);
  }

  waveforms<float> waveforms_of(const batch& b, const float* estimates, const float* targets, float* d_estimates,
                                const own_spectra<float>& spectra) const {
    waveforms<float> w{b.size, b.sources, b.length, estimates, targets, d_estimates};
    if (takes_spectra()) w.spectra = spectra;
    return w;
  }
  void add_parts(std::vector<named_value>& values, dim_t items) const {
    for (std::size_t i = 0; i < part_names_.size(); ++i)
      values.push_back({part_names_[i], detail_.parts[i].value, static_cast<double>(items)});
  }

  B backend_;  // what memory is planned for
  bool permuted_;
  std::shared_ptr<const criterion_on<B>> criterion_;
  std::vector<std::string> part_names_;
  loss_detail detail_;
  typename criterion_on<B>::values losses_;
  std::vector<param_info> params_;
  std::vector<flat_range> trained_;
  any_optimiser optimiser_;
  std::optional<moving_average<float, array>> average_;
  // Of the optimiser's step, whose sizes and moments stay the same: its graphs are told apart by addresses.
  template <class Rates>
  using placed = typename placement<B>::template variable<std::remove_const_t<Rates>>;
  std::tuple<placed<op::adam_rates>, placed<op::sgd_rates>> rates_;
  typename placement<B>::template steps<std::array<const void*, 4>> stepping_;
  arena memory_;  // of the loss and of clipping
  typename placement<B>::template passage<float> targets_, heard_;
  std::vector<float> estimates_;
};

}  // namespace avss
