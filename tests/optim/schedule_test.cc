#include <gtest/gtest.h>

#include <avss/optim/one_cycle.hpp>
#include <avss/optim/plateau.hpp>
#include <avss/optim/schedule.hpp>
#include <map>
#include <string>

namespace avss {
namespace {

one_cycle recipe(std::int64_t steps) { return one_cycle({.max_lr = 1e-3, .total_steps = steps, .pct_start = 0.1}); }

// Values of torch.optim.lr_scheduler.OneCycleLR; 0 for a momentum that is not known.
TEST(one_cycle, table) {
  struct row {
    std::int64_t total, step;
    double lr, momentum;
  };
  constexpr row rows[] = {
      {20, 0, 4e-5, .95},
      {20, 1, 1e-3, .85},
      {20, 2, 9.9240390689e-4, .8507596123},
      {20, 5, 8.8302268947e-4, .8616977778},
      {20, 10, 5.0000200000e-4, .9},
      {20, 18, 7.6000931094e-6, .9492403877},
      {20, 19, 4e-9, .95},
      {20, 20, 7.6000931094e-6, 0},
      {180000, 1, 4.0000007312e-5, 0},
      {180000, 9000, 5.2004189023e-4, .8999956364},
      {180000, 17999, 1e-3, .85},
      {180000, 90000, 5.8681619259e-4, .8913185460},
      {180000, 179999, 4e-9, 0},
      {120000, 6000, 5.2006283709e-4, 0},
      {120000, 60000, 5.8681141811e-4, 0},
      {45000, 2250, 5.2016758885e-4, 0},
      {45000, 22500, 5.8678754557e-4, 0},
  };
  for (const row& r : rows) {
    const rates found = recipe(r.total).at(r.step);
    EXPECT_NEAR(found.lr, r.lr, 1e-10 * r.lr + 1e-17) << r.total << " " << r.step;
    if (r.momentum > 0) {
      EXPECT_NEAR(found.momentum.value(), r.momentum, 1e-10) << r.total << " " << r.step;
    }
  }
}

TEST(one_cycle, ends_after_its_steps) {
  one_cycle s = recipe(20);
  for (int k = 0; k < 20; ++k) s.advance();
  EXPECT_NEAR(s.now().lr, 7.6000931094e-6, 1e-15);
  EXPECT_THROW(s.advance(), error);
}

TEST(one_cycle, first_phase_of_one_step) {
  EXPECT_EQ(one_cycle({.max_lr = 1, .total_steps = 10, .pct_start = 0.1}).at(0).lr, 1);
  EXPECT_TRUE(std::isfinite(one_cycle({.max_lr = 1, .total_steps = 1}).at(0).lr));
  EXPECT_THROW(one_cycle({.max_lr = 1, .total_steps = 0}), error);
  EXPECT_THROW(one_cycle({.max_lr = 1, .total_steps = 9, .pct_start = 1.5}), error);
}

TEST(schedule, refuses_what_cannot_be) {
  EXPECT_THROW(step_decay(0.1, 0), error);
  EXPECT_THROW(cosine_annealing(0.1, 0), error);
  EXPECT_THROW(plateau({.lr = 0.1, .factor = 1}), error);
}

// All numbers of a state, by name.
struct saver {
  std::map<std::string, double> numbers;
  template <class N>
  void operator()(const char* name, N& n) {
    numbers[name] = static_cast<double>(n);
  }
};
struct loader {
  const std::map<std::string, double>& numbers;
  template <class N>
  void operator()(const char* name, N& n) {
    n = static_cast<N>(numbers.at(name));
  }
};

template <class S, class Advance>
void check_resume(const S& fresh, Advance&& advance) {
  S whole = fresh;
  for (int k = 0; k < 30; ++k) advance(whole, k);
  S first = fresh, second = fresh;
  for (int k = 0; k < 13; ++k) advance(first, k);
  saver saved;
  first.visit_state(saved);
  loader load{saved.numbers};
  second.visit_state(load);
  for (int k = 13; k < 30; ++k) advance(second, k);
  EXPECT_EQ(second.now().lr, whole.now().lr);
  EXPECT_EQ(second.now().momentum, whole.now().momentum);
}

TEST(schedule, resumes) {
  const auto step = [](auto& s, int) { s.advance(); };
  check_resume(constant_rate(0.1), step);
  check_resume(step_decay(0.1, 4), step);
  check_resume(cosine_annealing(0.1, 9), step);
  check_resume(recipe(40), step);
  check_resume(plateau({.lr = 1, .factor = 0.5, .patience = 1, .cooldown = 2}),
               [](plateau& s, int k) { s.advance(1.0 / (1 + k % 7)); });
}

TEST(plateau, not_a_number_is_no_improvement) {
  plateau s({.lr = 1, .factor = 0.5, .patience = 0});
  s.advance(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(s.now().lr, 0.5);
}

}  // namespace
}  // namespace avss
