// Any one of the schedules, chosen at run time.
#pragma once

#include <avss/io/checkpoint_value.hpp>
#include <avss/optim/one_cycle.hpp>
#include <avss/optim/plateau.hpp>
#include <avss/optim/rates.hpp>
#include <avss/optim/schedule.hpp>
#include <avss/train/state_fields.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace avss {

class rate_schedule {
 public:
  using any = std::variant<constant_rate, step_decay, cosine_annealing, one_cycle, plateau>;

  // A plateau moves once an epoch, by the monitored metric; the others once a step or, per_epoch, once an epoch.
  explicit rate_schedule(any schedule, bool per_epoch = false) : schedule_(std::move(schedule)), per_epoch_(per_epoch) {}

  // The class's name in torch.optim.lr_scheduler.
  const char* name() const {
    constexpr const char* names[] = {"constant", "StepLR", "CosineAnnealingLR", "OneCycleLR", "ReduceLROnPlateau"};
    return names[schedule_.index()];
  }
  bool per_epoch() const { return per_epoch_; }
  // How often it can still advance; nothing where there is no end to it.
  std::optional<std::int64_t> advances_left() const {
    const auto* cycle = std::get_if<one_cycle>(&schedule_);
    return cycle ? std::optional(cycle->advances_left()) : std::nullopt;
  }
  bool needs_metric() const { return std::holds_alternative<plateau>(schedule_); }

  rates now() const {
    return std::visit([](const auto& s) { return s.now(); }, schedule_);
  }
  void after_step() {
    if (!per_epoch_) advance();
  }
  void after_epoch(double metric) {
    if (auto* p = std::get_if<plateau>(&schedule_))
      p->advance(metric);
    else if (per_epoch_)
      advance();
  }

  // Of a plateau: what it follows is another metric now; its rate is the configured one again. The others know no metric, and
  // take their rate from the configuration.
  void forget_metric() {
    if (auto* p = std::get_if<plateau>(&schedule_)) p->forget_metric();
  }
  void restart_rate() {
    if (auto* p = std::get_if<plateau>(&schedule_)) p->restart_rate();
  }

  checkpoint_value state() {
    state_writer w;
    std::visit([&](auto& s) { s.visit_state(w); }, schedule_);
    if (const auto* cycle = std::get_if<one_cycle>(&schedule_)) w("total_steps", cycle->config().total_steps);
    w.fields.emplace_back("_last_lr", checkpoint_value::list({now().lr}));
    return checkpoint_value::dict(std::move(w.fields));
  }
  void restore(const checkpoint_value& state, const std::string& origin) {
    const state_reader r(state, origin, "lr_scheduler");
    std::visit([&](auto& s) { s.visit_state(r); }, schedule_);
  }

 private:
  void advance() {
    std::visit(
        [](auto& s) {
          if constexpr (!std::is_same_v<std::remove_reference_t<decltype(s)>, plateau>) s.advance();
        },
        schedule_);
  }

  any schedule_;
  bool per_epoch_;
};

}  // namespace avss
