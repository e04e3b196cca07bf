// A network that is to learn two mixtures by heart.
#include <gtest/gtest.h>

#include <avss/data/synthetic_mixtures.hpp>
#include <avss/train/batches.hpp>

#include "tests/train/networks.hpp"

namespace avss {
namespace {

TEST(overfit, passes_20_db_on_two_mixtures) {
  const auto net = testing::make_overfit({.threads = 1});
  const synthetic_mixtures source(2, 2400, 8000, 2, 5);
  batch both;
  make_batch(source, 0, 2, both);
  const double before = net->evaluate(both)[2].value;
  double after = before;
  int steps = 0;
  while (after < 20 && steps < 1000) {
    net->train_step(both, 1);
    net->apply(5, {5e-3});
    if (++steps % 50 == 0) after = net->evaluate(both)[2].value;
  }
  EXPECT_LT(before, 3);
  EXPECT_GT(after, 20) << "after " << steps << " steps";
}

}  // namespace
}  // namespace avss
