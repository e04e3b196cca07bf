#include "tools/train_config.hpp"

#include <avss/core/error.hpp>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/objective_config.hpp"
#include "tools/section.hpp"

namespace avss::tools {
namespace {

using config::settings;

const std::vector<std::string> optimisers{"AdamW", "Adam", "SGD"};

// A finite number above 0.
double positive(const section& of, const std::string& key, std::optional<double> fallback = std::nullopt) {
  const double n = fallback ? of.get<double>(key, *fallback) : of.get<double>(key);
  if (!(n > 0 && std::isfinite(n))) of.wrong(key, "expected a finite number above 0, found ", n);
  return n;
}

// A finite number of at least 0.
double not_negative(const section& of, const std::string& key, double fallback) {
  const double n = of.get<double>(key, fallback);
  if (!(n >= 0 && std::isfinite(n))) of.wrong(key, "expected a finite number of at least 0, found ", n);
  return n;
}

double learning_rate(const settings& s) { return positive(section(s, "optimizer"), "lr"); }

}  // namespace

separation_training read_training(const settings& s) {
  separation_training t;
  t.criterion = read_criterion(s);
  const section o(s, "optimizer");
  const std::string optimiser = o.target(optimisers);
  learning_rate(s);
  if (optimiser == "SGD") {
    o.allow({"lr", "momentum", "dampening", "weight_decay", "nesterov"});
    t.optimiser = sgd_config{.momentum = not_negative(o, "momentum", 0),
                             .dampening = not_negative(o, "dampening", 0),
                             .weight_decay = not_negative(o, "weight_decay", 0),
                             .nesterov = o.get<bool>("nesterov", false)};
  } else {
    o.allow({"lr", "betas", "eps", "weight_decay"});
    adam_config c = optimiser == "AdamW" ? adamw_config : adam_config{};
    if (const auto betas = o.get<std::vector<double>>("betas", {c.beta1, c.beta2}); betas.size() == 2)
      c.beta1 = betas[0], c.beta2 = betas[1];
    else
      o.wrong("betas", "expected a list of two numbers, found ", betas.size());
    c.eps = positive(o, "eps", c.eps);
    c.weight_decay = not_negative(o, "weight_decay", c.weight_decay);
    t.optimiser = c;
  }
  return t;
}

rate_schedule read_schedule(const settings& s, std::int64_t steps_per_epoch, bool higher_is_better) {
  const section l(s, "lr_scheduler");
  const double lr = learning_rate(s);
  const std::string target = l.target({"OneCycleLR", "ReduceLROnPlateau", "CosineAnnealingLR", "StepLR", "constant"});
  if (target == "constant") {
    l.allow({});
    return rate_schedule(constant_rate(lr));
  }
  if (target == "OneCycleLR") {
    l.allow({"max_lr", "pct_start", "steps_per_epoch", "epochs", "anneal_strategy", "cycle_momentum", "base_momentum",
             "max_momentum", "div_factor", "final_div_factor", "three_phase"});
    const std::int64_t epochs = l.get<std::int64_t>("epochs"), steps = l.get<std::int64_t>("steps_per_epoch", steps_per_epoch);
    if (epochs < 1 || steps < 1) l.wrong("epochs", epochs, " epochs of ", steps, " steps: expected at least one of each");
    one_cycle_config c{.max_lr = positive(l, "max_lr"), .total_steps = epochs * steps};
    c.pct_start = l.get<double>("pct_start", c.pct_start);
    c.cosine = l.is("anneal_strategy", "cos", "linear", true);
    c.cycle_momentum = l.get<bool>("cycle_momentum", true);
    const section o(s, "optimizer");
    if (c.cycle_momentum && o.target(optimisers) == "SGD" && not_negative(o, "momentum", 0) == 0)
      l.wrong("cycle_momentum", "SGD has no momentum to cycle; set optimizer.momentum, or lr_scheduler.cycle_momentum=false");
    c.base_momentum = not_negative(l, "base_momentum", c.base_momentum);
    c.max_momentum = not_negative(l, "max_momentum", c.max_momentum);
    c.div_factor = positive(l, "div_factor", c.div_factor);
    c.final_div_factor = positive(l, "final_div_factor", c.final_div_factor);
    c.three_phase = l.get<bool>("three_phase", false);
    return rate_schedule(one_cycle(c));
  }
  if (target == "ReduceLROnPlateau") {
    l.allow({"mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps"});
    plateau_config c{.lr = lr, .higher_is_better = l.is("mode", "max", "min", higher_is_better)};
    if (c.higher_is_better != higher_is_better) l.wrong("mode", "not that of trainer.monitor, whose metric it follows");
    c.factor = positive(l, "factor", c.factor);
    c.patience = l.get<std::int64_t>("patience", c.patience);
    c.threshold = not_negative(l, "threshold", c.threshold);
    c.relative = l.is("threshold_mode", "rel", "abs", true);
    c.cooldown = l.get<std::int64_t>("cooldown", 0);
    c.min_lr = not_negative(l, "min_lr", 0);
    c.eps = not_negative(l, "eps", c.eps);
    return rate_schedule(plateau(c));
  }
  const bool per_epoch = l.is("interval", "epoch", "step", false);
  if (target == "CosineAnnealingLR") {
    l.allow({"T_max", "eta_min", "interval"});
    return rate_schedule(cosine_annealing(lr, l.get<std::int64_t>("T_max"), not_negative(l, "eta_min", 0)), per_epoch);
  }
  l.allow({"step_size", "gamma", "interval"});
  return rate_schedule(step_decay(lr, l.get<std::int64_t>("step_size"), positive(l, "gamma", 0.1)), per_epoch);
}

checkpoint_value plain(const config::value& v) {
  switch (v.kind()) {
    case config::kind::null: return {};
    case config::kind::boolean: return v.boolean();
    case config::kind::integer: return v.integer();
    case config::kind::real: return v.real();
    case config::kind::string: return v.text();
    case config::kind::list: {
      std::vector<checkpoint_value> items;
      for (const config::value& i : v.items()) items.push_back(plain(i));
      return checkpoint_value::list(std::move(items));
    }
    case config::kind::map: break;
  }
  std::vector<checkpoint_value::field> fields;
  for (const config::value::entry& e : v.entries()) fields.emplace_back(e.key, plain(e.item));
  return checkpoint_value::dict(std::move(fields));
}

}  // namespace avss::tools
