// Metrics of the real mixtures of the folder AVSS_SHARED against torchmetrics, asteroid, mir_eval, fast_bss_eval and pystoi;
// see tests/golden/make_real_metrics_golden.py.
#include <gtest/gtest.h>

#include <avss/io/audio.hpp>
#include <avss/metric/item_signals.hpp>
#include <avss/metric/ratio.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <tests/shared/shared_golden.hpp>
#include <vector>

namespace avss {
namespace {

struct real_item {
  std::vector<float> mix, s[2], e[2];
  int rate = 0;

  explicit real_item(const std::string& name) {
    const auto read = [&](const char* part) {
      const audio_signal x =
          read_audio(test::shared_file("data/av_mixtures/audio/train/" + std::string(part) + "/" + name + ".wav"));
      rate = x.info.rate;
      return x.samples;
    };
    mix = read("mix"), s[0] = read("s1"), s[1] = read("s2");
    for (int j = 0; j < 2; ++j)
      for (std::size_t n = 0; n < mix.size(); ++n) {
        const double own = s[j][n], other = n < 4 ? 0. : static_cast<double>(s[1 - j][n - 4]);
        e[j].push_back(static_cast<float>(0.9 * own + 0.2 * other + 0.5 * own * std::abs(static_cast<double>(mix[n]))));
      }
  }
  std::span<const float> estimate(std::size_t i) const { return i == 2 ? mix : e[i]; }
};

TEST(RealMetrics, equal_other_implementations) {
  if (test::shared_file("").empty()) GTEST_SKIP() << test::how_to_share << ", and data/av_mixtures";
  std::ifstream golden("tests/golden/real_metrics_golden.txt");
  std::map<std::string, real_item> items;
  int lines = 0;
  for (std::string line; std::getline(golden, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream in(line);
    std::string name;
    std::size_t i = 0, j = 0;
    double expected[8];
    in >> name >> i >> j;
    for (double& v : expected) in >> v;
    ASSERT_TRUE(in) << line;
    const real_item& x = items.try_emplace(name, name).first->second;
    const std::span<const float> e = x.estimate(i - 1), t = x.s[j - 1];
    item_signals item(x.rate, x.mix, {x.s[0], x.s[1]}, {x.e[0], x.e[1]});
    const double found[] = {measure_si_snr(e, t).value,
                            measure_si_sdr(e, t).value,
                            measure_snr(e, t).value,
                            item.bss().sdr(i - 1, j - 1).value,
                            item.bss().sir(i - 1, j - 1).value,
                            item.bss().sar(i - 1, j - 1).value,
                            item.intelligibility().stoi(i - 1, j - 1).value,
                            item.intelligibility().estoi(i - 1, j - 1).value};
    for (int k = 0; k < 8; ++k) {
      // A few samples of the estimates may be rounded otherwise here. The mixture lies in the span of its sources but for its
      // own rounding: its SAR is the ratio of that.
      const double tolerance = k == 5 && i == 3 ? 1e-3 : k < 6 ? 1e-7 : 1e-8;
      EXPECT_NEAR(found[k], expected[k], tolerance) << line << ", number " << k;
    }
    ++lines;
  }
  EXPECT_EQ(lines, 30);
}

}  // namespace
}  // namespace avss
