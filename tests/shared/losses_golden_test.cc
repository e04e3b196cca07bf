// Losses of separation and their permutations against the golden vectors of the folder AVSS_SHARED: asteroid's.
#include <gtest/gtest.h>

#include <avss/metric/permutation.hpp>
#include <tests/loss/signals.hpp>
#include <tests/shared/shared_golden.hpp>

namespace avss {
namespace {

using testing::two_speakers;

class SharedLosses : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = test::shared_file("golden/separation_metrics_golden.json");
    if (path.empty()) GTEST_SKIP() << test::how_to_share;
    golden_ = test::read_json(path);
  }
  std::vector<double> expected(std::string_view key) const { return test::numbers(test::member(golden_, key)); }

  // A loss of the estimates in swapped order, [e2, e1], against [s1, s2]: every pair's, and under the best permutation.
  template <class Loss>
  void expect_asteroid(const Loss& loss, const std::string& name) const {
    testing::problem<double> p(1, 2, two_speakers::n, 1);
    p.estimate = joined_signals(speakers_.e2, speakers_.e1);
    p.target = joined_signals(speakers_.s1, speakers_.s2);
    const std::vector<double> pairs = expected("asteroid_pairwise_neg_" + name + " [est,tgt]");
    std::vector<double> found(4);
    testing::planned(reference<double>(), [&](auto& ctx) { pairwise(ctx, loss, p.e(), p.s(), found.data()); });
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(found[i], pairs[i], 1e-10) << name << " " << i;
    loss_detail detail;
    EXPECT_NEAR(testing::loss_of(reference<double>(), weighted{pit{loss}, 1.}, p, &detail), expected("asteroid_pit_" + name)[0],
                1e-10);
    const std::vector<double> order = expected("asteroid_pit_perm (est index for each target)");
    EXPECT_EQ(std::vector<double>(detail.parts[0].permutation.begin(), detail.parts[0].permutation.end()), order);
    for (double& v : found) v = -v;
    const std::vector<std::size_t> best = best_permutation(found, 2);
    EXPECT_EQ(std::vector<double>(best.begin(), best.end()), order);
  }
  static std::vector<double> joined_signals(std::vector<double> a, const std::vector<double>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  two_speakers speakers_;
  json_value golden_;
};

TEST_F(SharedLosses, asteroid) {
  expect_asteroid(si_sdr{asteroid_eps, true}, "sisdr");
  expect_asteroid(sd_sdr{asteroid_eps, true}, "sdsdr");
  expect_asteroid(snr{asteroid_eps, true}, "snr");
}

}  // namespace
}  // namespace avss
