#include "tools/score_page.hpp"

#include <algorithm>
#include <avss/report/chart.hpp>
#include <avss/report/html.hpp>
#include <cmath>
#include <utility>

#include "tools/score_page_parts.hpp"
#include "tools/score_page_style.hpp"
#include "tools/score_table.hpp"

namespace avss::tools {
namespace {

std::string interval_of(const metric_column& c, const confidence_interval& i) {
  const int d = c.choice.metric->decimals;
  return std::isfinite(i.low) ? page_number(i.low, d) + " to " + page_number(i.high, d) : "-";
}

std::string level_of(const score_report& r) { return page_number(100 * r.statistics.bootstrap.level, 0); }

std::string fact(const std::string& value, const std::string& what) {
  return fill_in("<div><dt>{0}</dt><dd>{1}</dd></div>\n", what, value);
}

std::string opening(const score_report& r) {
  const score_statistics& s = r.statistics;
  const metric_column& first = r.columns[r.statistics.lead];
  std::string out =
      fill_in("<h1>Separation scores</h1>\n<p>Estimates <code>{0}</code> against the ground truth <code>{1}</code>.</p>\n",
              escape_html(r.files.predictions.string()), escape_html(r.files.truth.string()));
  out += "<dl class=\"facts\">\n" +
         fact(page_value(first, s.columns[s.lead].mean),
              page_title(first) + ", mean; " + level_of(r) + " % interval " + interval_of(first, s.columns[s.lead].interval)) +
         fact(page_value(first, s.columns[s.lead].median), page_title(first) + ", median") +
         fact(std::to_string(s.scored), s.scored == 1 ? "file" : "files");
  const double share = 100. * static_cast<double>(s.swapped) / static_cast<double>(s.scored);
  if (r.files.sources > 1)
    out += fact(std::to_string(s.swapped), fill_in("with swapped speakers ({0}&nbsp;%)", page_number(share, 1)) +
                                               (first.permuted ? ", which the best order mends" : ", which count as they are"));
  if (const left_out_sources left = left_out_of(r.scores, s.lead); left.count > 0)
    out += fact(std::to_string(left.count),
                fill_in("{0} left out of the mean: {1}", left.count == 1 ? "source" : "sources", left.reasons));
  if (s.refused > 0) out += fact(std::to_string(s.refused), "files could not be scored");
  return out + "</dl>\n";
}

std::string contents(const score_report& r, bool examples) {
  std::string out = "<nav aria-label=\"Parts of this page\"><ul>\n<li><a href=\"#metrics\">Metrics</a></li>\n";
  const auto add = [&](const char* id, const char* title) { out += fill_in("<li><a href=\"#{0}\">{1}</a></li>\n", id, title); };
  if (r.statistics.comparison) add("compared", "Comparison");
  if (!r.statistics.groups.empty()) add("groups", "Groups");
  add("spread", "Distributions");
  add("worst", "Worst files");
  if (examples) add("listen", "Listen");
  return out + "</ul></nav>\n";
}

std::string metric_row(const score_report& r, std::size_t i) {
  const metric_column& c = r.columns[i];
  const value_summary& s = r.statistics.columns[i];
  const int d = c.choice.metric->decimals;
  const auto n = [&](double v) { return "<td>" + page_number(v, d) + "</td>"; };
  const left_out_sources left = left_out_of(r.scores, i);
  return "<tr><th scope=\"row\" class=\"metric\">" + page_title_with_unit(c) + "</th>" + n(s.mean) + "<td>" +
         interval_of(c, s.interval) + "</td>" + n(s.least) + n(s.first_quartile) + n(s.median) + n(s.third_quartile) +
         n(s.most) + "<td>" + (c.permuted ? "best" : "given") + "</td><td>" + std::to_string(left.count) +
         (left.count > 0 ? " (" + left.reasons + ")" : "") + "</td></tr>\n";
}

std::string metrics_section(const score_report& r) {
  std::string out =
      "<section aria-labelledby=\"metrics\">\n<h2 id=\"metrics\">Metrics</h2>\n"
      "<div class=\"scroll\" role=\"region\" aria-labelledby=\"metrics\" tabindex=\"0\"><table>\n<thead><tr>";
  for (const std::string& title :
       {std::string("Metric"), std::string("Mean"), level_of(r) + " % interval", std::string("Least"), std::string("25 %"),
        std::string("Median"), std::string("75 %"), std::string("Most"), std::string("Order"), std::string("Sources left out")})
    out += "<th scope=\"col\">" + title + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < r.columns.size(); ++i) out += metric_row(r, i);
  return out + "</tbody>\n</table></div>\n</section>\n";
}

// What was not measured of it, by the first metric that it lacks, and what was clipped; empty where all is well.
std::string problem_of(const score_report& r, const prediction_scores& f) {
  if (!f.scored()) return "not scored: " + f.refused;
  std::string text = f.clipped.empty() ? "" : "clipped: " + f.clipped;
  const auto of_signals = [](const ratio& v) {
    return v.status != ratio_status::measured && v.status != ratio_status::not_installed && v.status != ratio_status::no_score;
  };
  for (std::size_t c = 0; c < f.columns.size(); ++c)
    if (std::any_of(f.columns[c].begin(), f.columns[c].end(), of_signals))
      return r.columns[c].name + ": " + source_values(r.columns[c], f.columns[c]) + (text.empty() ? "" : "; " + text);
  return text;
}

std::string problems_section(const score_report& r) {
  std::string rows;
  std::size_t told = 0;
  for (std::size_t i = 0; i < r.scores.size(); ++i) {
    const prediction_scores& f = r.scores[i];
    const std::string problem = problem_of(r, f);
    if (problem.empty() || told++ >= most_page_groups) continue;
    rows += fill_in("<tr><th scope=\"row\">{0}</th><td class=\"words\">{1}</td></tr>\n", escape_html(r.files.items[i].name),
                    escape_html(problem));
  }
  if (rows.empty()) return "";
  return "<section aria-labelledby=\"problems\">\n<h2 id=\"problems\">Files with problems</h2>\n"
         "<div class=\"scroll\" role=\"region\" aria-labelledby=\"problems\" tabindex=\"0\"><table>\n"
         "<thead><tr><th scope=\"col\">File</th><th scope=\"col\" class=\"words\">Problem</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody>\n</table></div>\n" +
         (told > most_page_groups ? "<p class=\"soft\">and " + std::to_string(told - most_page_groups) + " more</p>\n" : "") +
         "</section>\n";
}

std::string group_table(const score_report& r, const grouped_scores& by) {
  const std::size_t shown = std::min(by.groups.size(), most_page_groups);
  std::string out = fill_in(
      "<div class=\"group\"><div class=\"scroll\" role=\"region\" aria-label=\"Groups by {0}\" "
      "tabindex=\"0\"><table>\n<caption>By {0}</caption>\n"
      "<thead><tr><th scope=\"col\">Group</th><th scope=\"col\">Files</th>",
      escape_html(by.title));
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    out += "<th scope=\"col\">" + page_title(r.columns[c]) + "</th>";
    if (c == 0) out += "<th scope=\"col\">" + level_of(r) + " % interval</th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t g = 0; g < shown; ++g) {
    const score_group& group = by.groups[g];
    out += fill_in("<tr><th scope=\"row\">{0}</th><td>{1}</td>", escape_html(group.name), std::to_string(group.files));
    for (std::size_t c = 0; c < r.columns.size(); ++c) {
      out += "<td>" + page_number(group.columns[c].mean, r.columns[c].choice.metric->decimals) + "</td>";
      if (c == 0) out += "<td>" + interval_of(r.columns[c], group.columns[c].interval) + "</td>";
    }
    out += "</tr>\n";
  }
  out += "</tbody>\n</table></div>\n";
  if (by.groups.size() > shown)
    out += fill_in("<p class=\"soft\">and {0} more groups</p>\n", std::to_string(by.groups.size() - shown));
  if (by.ungrouped > 0) out += fill_in("<p class=\"soft\">{0} files have no group</p>\n", std::to_string(by.ungrouped));
  return out + "</div>\n";
}

std::string groups_section(const score_report& r) {
  if (r.statistics.groups.empty()) return "";
  std::string out = "<section aria-labelledby=\"groups\">\n<h2 id=\"groups\">Groups</h2>\n";
  for (const grouped_scores& by : r.statistics.groups) out += group_table(r, by);
  return out + "</section>\n";
}

// A line for each of the files, with all metrics. `name` makes the first cell's words.
template <class Name>
std::string file_table(const score_report& r, const std::vector<std::size_t>& files, const std::string& title,
                       const char* extra, Name&& name) {
  std::string out = fill_in(
      "<div class=\"scroll{0}\" role=\"region\" aria-label=\"{1}\" tabindex=\"0\"><table>\n<thead><tr><th "
      "scope=\"col\">File</th>",
      extra, title);
  for (const metric_column& c : r.columns) out += "<th scope=\"col\">" + page_title(c) + "</th>";
  out += "<th scope=\"col\">Seconds</th>";
  if (r.files.sources > 1) out += "<th scope=\"col\">Swapped</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const std::size_t i : files) {
    const prediction_scores& f = r.scores[i];
    out += "<tr><th scope=\"row\">" + name(i) + "</th>";
    for (std::size_t c = 0; c < r.columns.size(); ++c)
      out += "<td>" + page_number(mixture_score(f.columns[c]).value, r.columns[c].choice.metric->decimals) + "</td>";
    out += "<td>" + page_number(f.seconds, 1) + "</td>";
    if (r.files.sources > 1) out += f.swapped() ? "<td>yes</td>" : "<td>no</td>";
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

std::string files_section(const score_report& r, const std::vector<score_example>& examples) {
  const auto name = [&](std::size_t i) {
    std::string text = escape_html(r.files.items[i].name);
    for (std::size_t k = 0; k < examples.size(); ++k)
      if (examples[k].file == i) text = fill_in("<a href=\"#example{0}\">{1}</a>", std::to_string(k + 1), text);
    return text;
  };
  const std::vector<double> values = values_of(r.scores, r.statistics.lead);
  const std::vector<std::size_t> all = smallest(values, most_page_files);
  std::string out = "<section aria-labelledby=\"worst\">\n<h2 id=\"worst\">Worst files by " +
                    page_title(r.columns[r.statistics.lead]) + "</h2>\n" +
                    file_table(r, r.statistics.worst, "Worst files", "", name);
  if (all.size() > r.statistics.worst.size())
    out += fill_in("<details>\n<summary>{0} files, worst first{1}</summary>\n", std::to_string(all.size()),
                   all.size() < r.statistics.scored ? " (of " + std::to_string(r.statistics.scored) + ")" : "") +
           file_table(r, all, "Files, worst first", " tall", name) + "</details>\n";
  return out + "</section>\n";
}

std::string closing(const score_report& r) {
  return fill_in(scores_footer, level_of(r), std::to_string(r.statistics.bootstrap.resamples),
                 std::to_string(r.statistics.bootstrap.seed));
}

}  // namespace

std::string page_title(const metric_column& column) {
  return escape_html(column.name == column.choice.name() ? column.choice.title() : column.name);
}

std::string page_title_with_unit(const metric_column& column) {
  const std::string unit = column.choice.metric->unit;
  return page_title(column) + (unit.empty() ? "" : ", " + unit);
}

std::string page_value(const metric_column& column, double value) {
  const std::string unit = column.choice.metric->unit;
  return page_number(value, column.choice.metric->decimals) + (std::isfinite(value) && !unit.empty() ? " " + unit : "");
}

std::string score_page(const score_report& r, const std::vector<score_example>& examples) {
  return fill_in(scores_head, scores_generator, "Separation scores of " + escape_html(r.files.predictions.string())) +
         opening(r) + contents(r, !examples.empty()) + metrics_section(r) +
         (r.statistics.comparison ? comparison_section(r) : "") + groups_section(r) + chart_sections(r) +
         files_section(r, examples) + problems_section(r) + example_section(r, examples) + closing(r);
}

}  // namespace avss::tools
