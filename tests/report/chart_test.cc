#include <gtest/gtest.h>

#include <avss/report/chart.hpp>
#include <numeric>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/html_page.hpp"

namespace avss {
namespace {

using namespace avss::testing;

TEST(chart, numbers_as_people_write_them) {
  EXPECT_EQ(page_number(1.256, 2), "1.26");
  EXPECT_EQ(page_number(-3, 1), "&minus;3.0");
  EXPECT_EQ(page_number(-0.001, 2), "0.00");
  EXPECT_EQ(page_number(-0.0, 0), "0");
  EXPECT_EQ(page_number(std::nan(""), 2), "-");
  EXPECT_EQ(page_number(HUGE_VAL, 2), "-");
}

// Whatever the range: it lies within the axis, whose ends and steps are round, and which is no longer than it must be.
TEST(chart, axes_are_round_and_hold_the_range) {
  lcg random(1);
  for (int i = 0; i < 2000; ++i) {
    const double scale = std::pow(10., 6 * random()), low = scale * random(), high = low + scale * (1.0001 + random());
    const std::size_t most = 2 + static_cast<std::size_t>(i) % 20;
    const chart_axis a = fit_axis(low, high, most);
    SCOPED_TRACE(joined(low, " to ", high));
    EXPECT_LE(a.low, low + 1e-9 * a.step);
    EXPECT_GE(a.high, high - 1e-9 * a.step);
    EXPECT_GE(a.steps(), 1u);
    EXPECT_LE(a.steps(), most);
    EXPECT_LT(low - a.low, a.step * (1 + 1e-9));
    EXPECT_LT(a.high - high, a.step * (1 + 1e-9));
    const double digits = a.step / std::pow(10., std::floor(std::log10(a.step * (1 + 1e-9))));
    EXPECT_LT(std::min({std::abs(digits - 1), std::abs(digits - 2), std::abs(digits - 5)}), 1e-6) << a.step;
    EXPECT_NEAR(a.low / a.step, std::round(a.low / a.step), 1e-6);
    EXPECT_NEAR(a.step * std::pow(10., a.decimals), std::round(a.step * std::pow(10., a.decimals)), 1e-6) << "shown in full";
  }
  const chart_axis point = fit_axis(3, 3, 6);
  EXPECT_LT(point.low, 3);
  EXPECT_GT(point.high, 3);
  const chart_axis wide = fit_axis(3, 3 + 1e-9, 5, 0.1);
  EXPECT_LE(wide.low, 2.95 + 1e-9);
  EXPECT_GE(wide.high, 3.05);
  EXPECT_EQ(wide.decimals, 2);
  EXPECT_EQ(fit_axis(0, 0.07, 5).decimals, 2);
  EXPECT_EQ(fit_axis(0, 100, 5).decimals, 0);
}

TEST(chart, bins_hold_every_value_once) {
  for (const std::size_t n : {1u, 2u, 5u, 100u, 10000u}) {
    const std::vector<double> values = noise<double>(n, 3, 12);
    const histogram_bins bins = count_bins(values);
    EXPECT_EQ(std::accumulate(bins.counts.begin(), bins.counts.end(), std::size_t{0}), n);
    EXPECT_LE(bins.counts.size(), 24u);
    for (std::size_t i = 0; i < bins.counts.size(); ++i) {
      const auto inside = [&](double v) {
        return v >= bins.axis.tick(i) && (v < bins.axis.tick(i + 1) || i + 1 == bins.counts.size());
      };
      EXPECT_EQ(static_cast<std::size_t>(std::count_if(values.begin(), values.end(), inside)), bins.counts[i]);
    }
  }
  const double edges[] = {0, 0.1, 0.2, 0.3, 0.7, 1};  // tenths are not exact
  EXPECT_EQ(count_bins(edges).counts.front(), 2u);
}

TEST(chart, histograms_have_bars_and_a_mean) {
  const double values[] = {1, 2, 2.5, 3, 8};
  const std::string html = histogram_chart(values, 3.3, 1.9, 5.5, {"SI-SNR", "dB", "files", 2});
  EXPECT_EQ(unbalanced(without_slashes(html)), "");
  EXPECT_EQ(count(html, "class=\"bar\""), 3u);
  EXPECT_EQ(count(html, "class=\"mean\""), 1u);
  EXPECT_EQ(count(html, "class=\"band\""), 1u);
  EXPECT_NE(html.find("<title>2 to 4 dB: 3 files</title>"), std::string::npos) << html;
  EXPECT_NE(html.find("Histogram of SI-SNR: 5 files from 0 to 8 dB, mean 3.30 dB."), std::string::npos) << html;
  const double nan = std::nan("");
  EXPECT_EQ(count(histogram_chart(values, 3.3, nan, nan, {}), "class=\"band\""), 0u);
}

TEST(chart, points_lie_where_they_belong) {
  const chart_point points[] = {{0, 0, false, "a&amp;b"}, {10, 10, true, "c"}};
  const std::string html = scatter_chart(points, {"label", "dB", true});
  EXPECT_EQ(unbalanced(without_slashes(html)), "");
  EXPECT_NE(html.find("class=\"dot\" cx=\"0.00%\" cy=\"100.00%\""), std::string::npos) << html;
  EXPECT_NE(html.find("class=\"hollow\" cx=\"100.00%\" cy=\"0.00%\""), std::string::npos) << html;
  EXPECT_NE(html.find("<title>a&amp;b: 0.00 dB, 0.00 dB</title>"), std::string::npos) << html;
  EXPECT_NE(html.find("y1=\"100.00%\" y2=\"0.00%\""), std::string::npos) << "the diagonal";
  const std::string level = scatter_chart(std::span(points).first(1), {"label", "", false});
  EXPECT_NE(level.find("class=\"zero\""), std::string::npos);
}

}  // namespace
}  // namespace avss
