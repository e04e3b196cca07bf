// Every optimiser with every schedule against PyTorch; tests/golden/make_optim_golden.py says what the problem is.
#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/clip.hpp>
#include <avss/optim/one_cycle.hpp>
#include <avss/optim/plateau.hpp>
#include <avss/optim/schedule.hpp>
#include <avss/optim/sgd.hpp>
#include <avss/reference/optim.hpp>
#include <avss/reference/to_host.hpp>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace avss {
namespace {

constexpr double tolerance = 1e-8;

struct network {
  param<3, 4> a;
  param<3> b;
  param<5> unused;
  param<2, 3> c;
  dim_t extent;

  network() {
    unused.trained = false;
    extent = assign_offsets(*this).values;
  }
  template <class V>
  void visit(V&& v) {
    v("a", a);
    v("b", b);
    v("unused", unused);
    v("c", c);
  }
};

struct problem {
  network net;
  std::vector<double> values, gradients;

  problem() : values(static_cast<std::size_t>(net.extent)), gradients(values.size()) {
    each([&](int i, std::size_t at, bool) { values[at] = std::sin(1 + i); });
  }

  // body(index in the golden's order, place in the buffers, trained)
  template <class Body>
  void each(Body&& body) {
    int i = 0;
    for (const param_info& p : list_params(net))
      for (dim_t k = 0; k < p.size; ++k) body(i++, static_cast<std::size_t>(p.offset + k), p.trained);
  }

  double loss() {
    double total = 2;
    each([&](int i, std::size_t at, bool trained) {
      const double p = values[at], q = std::cos(2 + 3 * i), k = 0.5 + i % 5;
      // What has no gradient must not matter, whatever is written there.
      gradients[at] = trained ? k * (p - q) - 0.3 * std::sin(3 * p) : std::numeric_limits<double>::quiet_NaN();
      if (trained) total += k * (p - q) * (p - q) / 2 + std::cos(3 * p) / 10;
    });
    return total;
  }
};

using context_t = context<reference<double>>;
using stepper = std::function<void(context_t&, problem&, const rates&)>;

template <class Optimiser>
stepper make_stepper(Optimiser o) {
  return [o](context_t& ctx, problem& p, const rates& r) mutable { o.step(ctx, p.values, p.gradients, r); };
}

struct optimiser_case {
  stepper step;
  double momentum;  // as configured
  bool cycles;
};

optimiser_case make_optimiser(const std::string& name, const network& net) {
  const auto trained = trained_ranges(net);
  const auto adam_of = [&](adam_config c) {
    return optimiser_case{make_stepper(adam<double>(c, trained, net.extent)), c.beta1, true};
  };
  const auto sgd_of = [&](sgd_config c) {
    return optimiser_case{make_stepper(sgd<double>(c, trained, net.extent)), c.momentum, c.momentum > 0};
  };
  if (name == "adamw") return adam_of({.weight_decay = 0.1, .decoupled = true});
  if (name == "adam") return adam_of({.beta1 = 0.8, .beta2 = 0.99, .eps = 1e-6});
  if (name == "adam_l2") return adam_of({.weight_decay = 0.2});
  if (name == "sgd") return sgd_of({});
  if (name == "sgd_decay") return sgd_of({.momentum = 0.9, .dampening = 0.3, .weight_decay = 0.1});
  if (name == "sgd_nesterov") return sgd_of({.momentum = 0.8, .weight_decay = 0.1, .nesterov = true});
  fail("unknown optimiser ", name);
}

// Calls body(schedule).
template <class Body>
void with_schedule(const std::string& name, bool cycles, Body&& body) {
  if (name == "constant") return body(constant_rate{0.05});
  if (name == "step") return body(step_decay{0.05, 7, 0.6});
  if (name == "cosine") return body(cosine_annealing{0.05, 15, 0.002});
  if (name == "one_cycle")
    return body(one_cycle{{.max_lr = 0.1, .total_steps = 50, .pct_start = 0.1, .cycle_momentum = cycles}});
  if (name == "one_cycle_three")
    return body(one_cycle{{.max_lr = 0.1,
                           .total_steps = 50,
                           .pct_start = 0.25,
                           .cosine = false,
                           .cycle_momentum = cycles,
                           .base_momentum = 0.7,
                           .max_momentum = 0.9,
                           .div_factor = 10,
                           .final_div_factor = 100,
                           .three_phase = true}});
  if (name == "plateau")
    return body(plateau{{.lr = 0.05, .factor = 0.5, .patience = 0, .threshold = 0.2, .cooldown = 1, .min_lr = 0.004}});
  fail("unknown schedule ", name);
}

struct expected_step {
  double loss, norm, lr, momentum;
};
struct expected_case {
  std::map<int, expected_step> steps;
  std::map<int, std::vector<double>> after;
};

struct golden_file {
  std::vector<std::pair<std::string, std::string>> order;
  std::vector<expected_case> cases;
  std::map<std::pair<std::string, std::string>, std::vector<double>> plateaus;

  golden_file() {
    std::ifstream file("tests/golden/optim_golden.txt");
    std::string line, word;
    int step = 0;
    while (std::getline(file, line)) {
      std::istringstream in(line);
      in >> word;
      if (word == "case") {
        auto& [optimiser, schedule] = order.emplace_back();
        in >> optimiser >> schedule;
        cases.emplace_back();
      } else if (word == "step") {
        expected_step s;
        in >> step >> s.loss >> s.norm >> s.lr >> s.momentum;
        cases.back().steps[step] = s;
      } else if (word == "after") {
        for (double v; in >> v;) cases.back().after[step].push_back(v);
      } else {
        std::string mode, threshold;
        in >> mode >> threshold;
        for (double v; in >> v;) plateaus[{mode, threshold}].push_back(v);
      }
    }
  }
};

template <class Schedule>
void run_case(const optimiser_case& optimiser, Schedule schedule, const expected_case& expected) {
  problem p;
  arena memory(1 << 12);
  context_t ctx({}, memory, pass::train);
  for (int s = 1; s <= 50; ++s) {
    const double loss = p.loss();
    const clip_result clipped = clip_gradients(ctx, std::span<double>(p.gradients), trained_ranges(p.net), 2.0);
    const rates r = schedule.now();
    if (const auto e = expected.steps.find(s); e != expected.steps.end()) {
      EXPECT_NEAR(loss, e->second.loss, tolerance) << "step " << s;
      EXPECT_NEAR(clipped.norm, e->second.norm, tolerance) << "step " << s;
      EXPECT_NEAR(r.lr, e->second.lr, 1e-11) << "step " << s;
      EXPECT_NEAR(r.momentum.value_or(optimiser.momentum), e->second.momentum, 1e-11) << "step " << s;
    }
    optimiser.step(ctx, p, r);
    if constexpr (!std::is_same_v<Schedule, plateau>)
      schedule.advance();
    else if (s % 5 == 0)
      schedule.advance(loss);
    if (const auto e = expected.after.find(s); e != expected.after.end())
      p.each([&](int i, std::size_t at, bool) {
        EXPECT_NEAR(p.values[at], e->second.at(static_cast<std::size_t>(i)), tolerance) << "step " << s << ", value " << i;
      });
  }
}

TEST(pytorch, optimisers_and_schedules) {
  const golden_file golden;
  ASSERT_EQ(golden.cases.size(), 36u);
  for (std::size_t k = 0; k < golden.cases.size(); ++k) {
    SCOPED_TRACE(golden.order[k].first);
    SCOPED_TRACE(golden.order[k].second);
    ASSERT_EQ(golden.cases[k].steps.size(), 18u);
    ASSERT_EQ(golden.cases[k].after.size(), 3u);
    const optimiser_case optimiser = make_optimiser(golden.order[k].first, network());
    with_schedule(golden.order[k].second, optimiser.cycles,
                  [&](const auto& schedule) { run_case(optimiser, schedule, golden.cases[k]); });
  }
}

TEST(pytorch, plateau_modes) {
  const golden_file golden;
  ASSERT_EQ(golden.plateaus.size(), 4u);
  for (const bool higher : {false, true})
    for (const bool relative : {false, true}) {
      plateau schedule({.lr = 1,
                        .higher_is_better = higher,
                        .factor = 0.7,
                        .patience = 2,
                        .threshold = 0.05,
                        .relative = relative,
                        .cooldown = 3,
                        .min_lr = 0.2});
      const auto& expected = golden.plateaus.at({higher ? "max" : "min", relative ? "rel" : "abs"});
      ASSERT_EQ(expected.size(), 40u);
      for (int s = 0; s < 40; ++s) {
        schedule.advance(std::cos(s / 3.0) * std::pow(0.97, s) + 1.5);
        EXPECT_NEAR(schedule.now().lr, expected[static_cast<std::size_t>(s)], 1e-11) << s;
      }
    }
}

}  // namespace
}  // namespace avss
