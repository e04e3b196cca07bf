// RTFS-Net, all switches, against an independent implementation (tests/golden/make_rtfsnet_golden.py).
#include <gtest/gtest.h>

#include <avss/model/rtfsnet.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <string>
#include <tests/model/rtfsnet_golden.hpp>
#include <tests/support/compare.hpp>
#include <tests/support/golden.hpp>
#include <tests/support/run_rtfsnet.hpp>

namespace avss {
namespace {

using test::expect_close;

template <rtfsnet_config S>
void expect_golden(const std::string& name, dim_t faces = 1, pass_rules rules = {}) {
  SCOPED_TRACE(name);
  constexpr double limit = 1e-10, start = 0.5;
  const auto golden = test::read_golden("tests/golden/rtfsnet", name);
  const RtfsNet<S> net;
  std::vector<double> values(static_cast<std::size_t>(net.extent().values)),
      states(static_cast<std::size_t>(net.extent().state));
  test::load_rtfsnet_golden(net, golden, std::span<double>(values), std::span<double>(states));
  const auto &x = golden.at("x"), &v = golden.at("v");
  test::rtfsnet_task task{x.shape[0], x.shape[1], faces, v.shape[2], pass::train, rules};
  std::vector<double> before = states;
  const auto give = [&](const auto&, const auto&, auto& dy, auto& dspectrum) {
    dy = golden.at("dy").values;
    dspectrum = golden.at("dspectrum").values;
  };
  const auto r = test::run_rtfsnet<reference<double>>(
      net, values, states, x.values, v.values, task, give, [](auto&) {}, start);
  expect_close(r.y, golden.at("y").values, limit, "y");
  expect_close(r.dx, golden.at("dx").values, limit, "dx");
  expect_close(r.dv, golden.at("dv").values, limit, "dv");
  const double top = test::largest_gradient(net, golden);
  for (const param_info& p : list_params(net)) {
    if (p.is_state) {
      const std::vector<double> now(states.begin() + p.offset, states.begin() + p.offset + p.size);
      const bool counter = p.name.ends_with("num_batches_tracked");
      if (counter) {
        EXPECT_EQ(now[0], rules.batch_statistics) << p.name;
      } else if (golden.contains("after/" + p.name)) {
        expect_close(now, golden.at("after/" + p.name).values, limit, p.name);
      } else {
        EXPECT_TRUE(std::equal(now.begin(), now.end(), before.begin() + p.offset)) << p.name;
      }
      continue;
    }
    std::vector<double> gradient(r.gradients.begin() + p.offset, r.gradients.begin() + p.offset + p.size);
    for (double& g : gradient) g -= start;
    // Some gradients are zero in theory: the offset of keys, biases before a normalisation.
    expect_close(gradient, test::golden_gradient(golden, p), limit, p.name, top * 1e-3);
  }

  task.mode = pass::infer;
  states = before;
  const auto inferred = test::run_rtfsnet<reference<double>>(net, values, states, x.values, v.values, task, give, [](auto&) {});
  EXPECT_EQ(inferred.y, r.y) << "training and inference differ";

  task.mode = pass::train;
  task.rules.recompute = true;
  states = before;
  const auto again = test::run_rtfsnet<reference<double>>(
      net, values, states, x.values, v.values, task, give, [](auto&) {}, start);
  EXPECT_EQ(again.gradients, r.gradients) << "passes made anew differ";
  EXPECT_EQ(again.dx, r.dx);
  if (S.passes > 1) {
    EXPECT_LT(again.peak, r.peak);
  }
}

TEST(RtfsNetGolden, official) { expect_golden<test::golden_official>("official"); }
TEST(RtfsNetGolden, official_2023_training) {
  expect_golden<test::golden_official_2023>("official_2023_training", 2, pass_rules{.batch_statistics = true});
}
TEST(RtfsNetGolden, reference) { expect_golden<test::golden_reference>("reference"); }
TEST(RtfsNetGolden, mixed) { expect_golden<test::golden_mixed>("mixed"); }

}  // namespace
}  // namespace avss
