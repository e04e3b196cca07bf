// Charts for pages: HTML with SVG that grows with the page while text and marks keep their sizes, without a script. The page's
// style gives .plot, .x, .y, .area and the marks' classes their looks; hovering over a mark tells its numbers.
#pragma once

#include <algorithm>
#include <avss/report/html.hpp>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace avss {

// "1.25", with a minus sign where one belongs; "-" for what is no number.
inline std::string page_number(double value, int decimals) {
  if (!std::isfinite(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  // what rounds to nothing has no sign
  if (text[0] == '-' && std::string_view(text).find_first_not_of("-0.") == std::string_view::npos) return text + 1;
  return text[0] == '-' ? "&minus;" + std::string(text + 1) : text;
}

// From `low` to `high`, both multiples of `step`, which is 1, 2 or 5 times a power of ten.
struct chart_axis {
  double low = 0, high = 1, step = 1;
  int decimals = 0;  // that tell the multiples apart

  // In percent of its length.
  double at(double value) const { return 100 * (value - low) / (high - low); }
  std::size_t steps() const { return static_cast<std::size_t>(std::lround((high - low) / step)); }
  double tick(std::size_t i) const { return low + static_cast<double>(i) * step; }
};

// That holds the range in at most so many steps. A range shorter than `shortest` is widened to it: what differs by less than
// can be read off is no spread.
inline chart_axis fit_axis(double low, double high, std::size_t most_steps, double shortest = 0) {
  if (!(high > low)) shortest = std::max({shortest, std::abs(low) * 0.2, 1e-6});
  if (const double lacking = shortest - (high - low); lacking > 0) low -= lacking / 2, high += lacking / 2;
  for (int power = static_cast<int>(std::floor(std::log10((high - low) / static_cast<double>(most_steps))));; ++power)
    for (const int digit : {1, 2, 5}) {
      const double step = digit * std::pow(10., power), slack = 1e-9 * step;
      const double from = std::floor((low + slack) / step) * step, to = std::ceil((high - slack) / step) * step;
      if (std::lround((to - from) / step) <= static_cast<long>(most_steps)) return {from, to, step, std::max(0, -power)};
    }
}

struct histogram_bins {
  chart_axis axis;                  // a bin is a step
  std::vector<std::size_t> counts;  // of values in [step, next step), the last with its end
};

// About as many bins as twice the square root of the values' number, 5 to 24. Values are finite, at least one.
inline histogram_bins count_bins(std::span<const double> values, double shortest = 0) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double wanted = 2 * std::sqrt(static_cast<double>(values.size()));
  histogram_bins bins{fit_axis(*low, *high, static_cast<std::size_t>(std::clamp(wanted, 5., 24.)), shortest), {}};
  bins.counts.resize(bins.axis.steps());
  for (const double v : values) {
    const double bin = std::floor((v - bins.axis.low) / bins.axis.step + 1e-9);
    ++bins.counts[std::min(static_cast<std::size_t>(std::max(bin, 0.)), bins.counts.size() - 1)];
  }
  return bins;
}

namespace detail {

inline std::string percent_of(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%", v);
  return text;
}

// Labels along an axis; `side` is left or bottom.
inline std::string axis_labels(const chart_axis& a, const char* side) {
  std::string out;
  for (std::size_t i = 0; i <= a.steps(); ++i)
    out += fill_in("<i style=\"{0}:{1}\">{2}</i>", side, percent_of(a.at(a.tick(i))), page_number(a.tick(i), a.decimals));
  return out;
}

// Lines across the area, at each label.
inline std::string grid_lines(const chart_axis& x, const chart_axis& y) {
  std::string out;
  for (std::size_t i = 0; i <= y.steps(); ++i) {
    const std::string at = percent_of(100 - y.at(y.tick(i)));
    out += fill_in("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0}\" y2=\"{0}\"/>", at);
  }
  for (std::size_t i = 0; i <= x.steps(); ++i) {
    const std::string at = percent_of(x.at(x.tick(i)));
    out += fill_in("<line class=\"grid\" y1=\"0\" y2=\"100%\" x1=\"{0}\" x2=\"{0}\"/>", at);
  }
  return out;
}

// `label` is text that is escaped.
inline std::string framed_chart(const chart_axis& x, const chart_axis& y, const std::string& label, const std::string& marks) {
  return fill_in(
      "<div class=\"plot\"><div class=\"y\" aria-hidden=\"true\">{0}</div><svg class=\"area\" role=\"img\" aria-label=\"{1}\">"
      "{2}{3}</svg><div class=\"x\" aria-hidden=\"true\">{4}</div></div>\n",
      axis_labels(y, "bottom"), label, grid_lines(x, y), marks, axis_labels(x, "left"));
}

}  // namespace detail

struct histogram_text {
  std::string title, unit;  // of the values, escaped; the unit may be empty
  std::string things;       // what is counted: "files"
  int decimals = 2;         // of the mean
};

// Bars with the mean as a line and, where finite, an interval around it as a band.
inline std::string histogram_chart(std::span<const double> values, double mean, double low, double high,
                                   const histogram_text& text) {
  const histogram_bins bins = count_bins(values, 5 * std::pow(10., -text.decimals));
  const chart_axis &a = bins.axis, x = fit_axis(a.low, a.high, 5);
  const std::size_t most = *std::max_element(bins.counts.begin(), bins.counts.end());
  chart_axis y = fit_axis(0, static_cast<double>(most), 4);
  if (y.step < 1) y = {0, std::ceil(y.high), 1, 0};  // there are no parts of a file
  const std::string unit = text.unit.empty() ? "" : " " + text.unit;
  std::string marks;
  for (std::size_t i = 0; i < bins.counts.size(); ++i) {
    if (bins.counts[i] == 0) continue;
    const double top = y.at(static_cast<double>(bins.counts[i]));
    marks += fill_in(
        "<rect class=\"bar\" x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{3}\"><title>{4} to {5}{6}: {7} {8}</title></rect>",
        detail::percent_of(x.at(a.tick(i))), detail::percent_of(100 - top),
        detail::percent_of(x.at(a.tick(i + 1)) - x.at(a.tick(i))), detail::percent_of(top), page_number(a.tick(i), a.decimals),
        page_number(a.tick(i + 1), a.decimals), unit, std::to_string(bins.counts[i]), text.things);
  }
  if (std::isfinite(low))
    marks += fill_in(
        "<rect class=\"band\" x=\"{0}\" y=\"0\" width=\"{1}\" height=\"100%\"><title>interval of the mean: {2} to "
        "{3}{4}</title></rect>",
        detail::percent_of(x.at(low)), detail::percent_of(x.at(high) - x.at(low)), page_number(low, text.decimals),
        page_number(high, text.decimals), unit);
  marks += fill_in("<line class=\"mean\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"100%\"><title>mean: {1}{2}</title></line>",
                   detail::percent_of(x.at(mean)), page_number(mean, text.decimals), unit);
  const std::string label = fill_in("Histogram of {0}: {1} {2} from {3} to {4}{5}, mean {6}{5}.", text.title,
                                    std::to_string(values.size()), text.things, page_number(a.low, a.decimals),
                                    page_number(a.high, a.decimals), unit, page_number(mean, text.decimals));
  return detail::framed_chart(x, y, label, marks);
}

struct chart_point {
  double x = 0, y = 0;
  bool hollow = false;
  std::string name;  // escaped
};

struct scatter_text {
  std::string label;      // what it shows, in a sentence, escaped
  std::string unit;       // of both axes, escaped
  bool diagonal = false;  // a line where both are equal, else one where y is 0
};

// Circles; both axes hold all points, which are finite, at least one.
inline std::string scatter_chart(std::span<const chart_point> points, const scatter_text& text) {
  const auto by_x = [](const chart_point& a, const chart_point& b) { return a.x < b.x; };
  const auto by_y = [](const chart_point& a, const chart_point& b) { return a.y < b.y; };
  const auto [left, right] = std::minmax_element(points.begin(), points.end(), by_x);
  const auto [bottom, top] = std::minmax_element(points.begin(), points.end(), by_y);
  constexpr double shortest = 0.1;
  chart_axis x = fit_axis(left->x, right->x, 5, shortest);
  chart_axis y = fit_axis(std::min(0., bottom->y), std::max(0., top->y), 6, shortest);
  if (text.diagonal) x = y = fit_axis(std::min(left->x, bottom->y), std::max(right->x, top->y), 5, shortest);
  const double zero = text.diagonal ? y.low : 0;
  std::string marks = fill_in("<line class=\"zero\" x1=\"0\" x2=\"100%\" y1=\"{0}\" y2=\"{1}\"/>",
                              detail::percent_of(100 - y.at(zero)), detail::percent_of(text.diagonal ? 0 : 100 - y.at(zero)));
  const std::string unit = text.unit.empty() ? "" : " " + text.unit;
  for (const chart_point& p : points)
    marks += fill_in("<circle class=\"{0}\" cx=\"{1}\" cy=\"{2}\" r=\"4\"><title>{3}: {4}{6}, {5}{6}</title></circle>",
                     p.hollow ? "hollow" : "dot", detail::percent_of(x.at(p.x)), detail::percent_of(100 - y.at(p.y)), p.name,
                     page_number(p.x, 2), page_number(p.y, 2), unit);
  return detail::framed_chart(x, y, text.label, marks);
}

}  // namespace avss
