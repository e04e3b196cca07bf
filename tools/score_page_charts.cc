#include <algorithm>
#include <avss/metric/statistics.hpp>
#include <avss/report/chart.hpp>
#include <avss/report/html.hpp>
#include <cmath>
#include <numeric>

#include "tools/score_page.hpp"
#include "tools/score_page_parts.hpp"
#include "tools/score_page_style.hpp"
#include "tools/score_table.hpp"

namespace avss::tools {
namespace {

std::vector<double> finite_of(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  return values;
}

std::string counted(std::size_t n, const std::string& thing) { return std::to_string(n) + " " + thing + (n == 1 ? "" : "s"); }

std::string histogram_card(const metric_column& column, const std::string& title, const std::vector<double>& values,
                           const value_summary& s) {
  const named_metric& m = *column.choice.metric;
  return fill_in("<figure class=\"card\">\n<figcaption>{0} <span>{1}, mean {2}</span></figcaption>\n{3}{4}</figure>\n", title,
                 counted(values.size(), "file"), page_value(column, s.mean),
                 histogram_chart(values, s.mean, s.interval.low, s.interval.high, {title, m.unit, "files", m.decimals}),
                 fill_in("<p class=\"axis\">{0}{1}</p>\n", title, *m.unit ? std::string(" in ") + m.unit : ""));
}

// Evenly among all files, so that as many points as there may be show the same cloud.
std::vector<chart_point> thinned(std::vector<chart_point> points) {
  if (points.size() <= most_page_points) return points;
  std::vector<chart_point> some;
  for (std::size_t i = 0; i < most_page_points; ++i) some.push_back(points[i * points.size() / most_page_points]);
  return some;
}

std::string thinned_note(std::size_t all) {
  return all <= most_page_points ? ""
                                 : fill_in("<p class=\"soft\">{0} of {1} files are drawn, evenly chosen by name.</p>\n",
                                           std::to_string(most_page_points), std::to_string(all));
}

std::string scatter_section(const score_report& r) {
  const bool permuted = r.columns[r.statistics.lead].permuted;
  std::vector<chart_point> points;
  bool hollow = false;
  for (std::size_t i = 0; i < r.scores.size(); ++i) {
    const prediction_scores& f = r.scores[i];
    if (!f.scored()) continue;
    const double input = mixture_score(f.si_snr_mixture).value;
    std::vector<ratio> gains = permuted ? f.si_snr_best : f.si_snr_given;
    for (std::size_t s = 0; s < gains.size(); ++s) gains[s] = improvement(gains[s], f.si_snr_mixture[s]);
    const double gain = mixture_score(gains).value;
    if (!std::isfinite(input) || !std::isfinite(gain)) continue;
    points.push_back({input, gain, f.swapped(), escape_html(r.files.items[i].name)});
    hollow = hollow || f.swapped();
  }
  if (points.empty()) return "";
  const std::string label =
      fill_in("Scatter plot of {0}: SI-SNR of the mixture from left to right, its improvement from bottom to top.",
              counted(points.size(), "file"));
  return "<section aria-labelledby=\"input\">\n<h2 id=\"input\">Where it helps</h2>\n<figure class=\"card large\">\n"
         "<figcaption>Improvement by how loud the speakers are in the mixture <span>means over the "
         "speakers</span></figcaption>\n" +
         std::string(hollow ? scatter_key : "") + thinned_note(points.size()) +
         "<p class=\"axis above\">SI-SNR improvement in dB</p>\n" + scatter_chart(thinned(points), {label, "dB", false}) +
         "<p class=\"axis\">SI-SNR of the mixture in dB</p>\n</figure>\n</section>\n";
}

std::string comparison_row(const metric_column& c, const paired_summary& s) {
  const int d = c.choice.metric->decimals;
  const auto n = [&](double v) { return page_number(v, d); };
  const std::string interval =
      std::isfinite(s.difference.interval.low) ? n(s.difference.interval.low) + " to " + n(s.difference.interval.high) : "-";
  return fill_in("<tr><th scope=\"row\" class=\"metric\">{0}</th><td>{1}</td><td>{2}</td><td>{3}</td><td>{4}</td>",
                 page_title(c), n(s.first), n(s.second), n(s.difference.mean), interval) +
         fill_in("<td>{0}</td><td>{1}</td><td>{2}</td></tr>\n", std::to_string(s.better), std::to_string(s.worse),
                 std::to_string(s.equal));
}

}  // namespace

std::string chart_sections(const score_report& r) {
  std::string cards;
  for (std::size_t c = 0; c < r.columns.size(); ++c)
    if (const std::vector<double> values = finite_of(values_of(r.scores, c)); !values.empty())
      cards += histogram_card(r.columns[c], page_title(r.columns[c]), values, r.statistics.columns[c]);
  if (cards.empty()) return "";
  return "<section aria-labelledby=\"spread\">\n<h2 id=\"spread\">How the files differ</h2>\n" + std::string(scores_key) +
         "<div class=\"charts\">\n" + cards + "</div>\n</section>\n" + scatter_section(r);
}

namespace {

std::string one_sided_note(const score_report& r, const score_comparison& c) {
  std::string which;
  for (std::size_t i = 0; i < r.columns.size(); ++i)
    if (const std::size_t n = c.one_sided[i]; n > 0)
      which += (which.empty() ? "" : ", ") + std::to_string(n) + " of " + page_title(r.columns[i]);
  if (which.empty()) return "";
  return "<p class=\"warning\">Sources that only one of the two systems has a value for count in neither mean: " + which +
         ".</p>\n";
}

}  // namespace

std::string comparison_section(const score_report& r) {
  const score_comparison& c = *r.statistics.comparison;
  std::string out = fill_in(
      "<section aria-labelledby=\"compared\">\n<h2 id=\"compared\">Compared with another system</h2>\n"
      "<p>File by file with <code>{0}</code>. Differences are this system less the other: above 0 this one is better.</p>\n"
      "<div class=\"scroll\" role=\"region\" aria-labelledby=\"compared\" tabindex=\"0\"><table>\n<thead><tr>"
      "<th scope=\"col\">Metric</th><th scope=\"col\">This</th><th scope=\"col\">Other</th><th scope=\"col\">Difference</th>"
      "<th scope=\"col\">{1} % interval</th><th scope=\"col\">Files better</th><th scope=\"col\">Worse</th>"
      "<th scope=\"col\">Equal</th></tr></thead>\n<tbody>\n",
      escape_html(c.predictions.string()), page_number(100 * r.statistics.bootstrap.level, 0));
  for (std::size_t i = 0; i < r.columns.size(); ++i) out += comparison_row(r.columns[i], c.columns[i]);
  out += "</tbody>\n</table></div>\n" + one_sided_note(r, c) + std::string(scores_key);
  const values_in_both values = values_of_both(r.scores, c.scores, r.statistics.lead);
  const std::vector<double>&here = values.here, &there = values.there;
  std::vector<double> differences;
  std::vector<chart_point> points;
  for (std::size_t i = 0; i < here.size(); ++i) {
    if (!std::isfinite(here[i]) || !std::isfinite(there[i])) continue;
    differences.push_back(here[i] - there[i]);
    points.push_back({there[i], here[i], false, escape_html(r.files.items[i].name)});
  }
  if (points.empty()) return out + "</section>\n";
  const metric_column& first = r.columns[r.statistics.lead];
  const std::string title = page_title(first), unit = first.choice.metric->unit, in_unit = unit.empty() ? "" : " in " + unit;
  out +=
      "<div class=\"charts below\">\n" +
      histogram_card(first, "Difference of " + title, differences, c.columns[r.statistics.lead].difference) +
      fill_in(
          "<figure class=\"card\">\n<figcaption>{0} of each file <span>above the line this one is better</span></figcaption>\n"
          "{1}<p class=\"axis above\">this{2}</p>\n{3}<p class=\"axis\">other{2}</p>\n</figure>\n</div>\n</section>\n",
          title, thinned_note(points.size()), in_unit,
          scatter_chart(thinned(points), {"Scatter plot of " + title +
                                              " by the other system, from left to right, and by this "
                                              "one, from bottom to top, with a line where both are equal.",
                                          unit, true}));
  return out;
}

}  // namespace avss::tools
