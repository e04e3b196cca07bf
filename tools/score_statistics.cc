#include "tools/score_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "tools/score_table.hpp"

namespace avss::tools {

std::vector<double> values_of(std::span<const prediction_scores> scores, std::size_t column) {
  std::vector<double> values;
  for (const prediction_scores& f : scores)
    values.push_back(f.scored() ? mixture_score(f.columns[column]).value : std::nan(""));
  return values;
}

left_out_sources left_out_of(std::span<const prediction_scores> scores, std::size_t column) {
  std::map<ratio_status, std::size_t> by_status;
  left_out_sources out;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!scores[i].scored()) continue;
    for (const ratio& r : scores[i].columns[column]) {
      if (r.status == ratio_status::measured) continue;
      if (out.count++ == 0) out.first = i;
      ++by_status[r.status];
    }
  }
  for (const auto& [status, count] : by_status)
    out.reasons += (out.reasons.empty() ? "" : ", ") + std::to_string(count) + " " + name_of(status);
  return out;
}

namespace {

grouped_scores grouped(const score_grouping& by, std::span<const std::vector<double>> values,
                       std::span<const prediction_scores> scores, const bootstrap_options& bootstrap) {
  std::vector<std::vector<std::size_t>> members(by.groups.size());
  grouped_scores out{by.title, 0, {}};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!scores[i].scored()) continue;
    if (by.of_file[i] == score_grouping::none)
      ++out.ungrouped;
    else
      members[by.of_file[i]].push_back(i);
  }
  for (std::size_t g = 0; g < members.size(); ++g) {
    score_group group{by.groups[g], members[g].size(), {}};
    for (const std::vector<double>& column : values) {
      std::vector<double> picked;
      for (const std::size_t i : members[g]) picked.push_back(column[i]);
      group.columns.push_back(summarise(picked, bootstrap));
    }
    if (group.files > 0) out.groups.push_back(std::move(group));
  }
  return out;
}

}  // namespace

score_statistics statistics_of(std::span<const metric_column> columns, std::span<const prediction_scores> scores,
                               std::span<const score_grouping> groupings, const bootstrap_options& bootstrap) {
  score_statistics s;
  s.bootstrap = bootstrap;
  for (const prediction_scores& f : scores) {
    if (!f.scored()) {
      ++s.refused;
      continue;
    }
    ++s.scored, s.swapped += f.swapped(), s.clipped += !f.clipped.empty();
  }
  std::vector<std::vector<double>> values;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    values.push_back(values_of(scores, c));
    s.columns.push_back(summarise(values.back(), bootstrap));
  }
  const auto measured = [](const value_summary& c) { return c.count > 0; };
  const auto lead = std::find_if(s.columns.begin(), s.columns.end(), measured);
  if (lead != s.columns.end()) s.lead = static_cast<std::size_t>(lead - s.columns.begin());
  s.worst = smallest(values[s.lead], shown_worst);
  for (const score_grouping& g : groupings) s.groups.push_back(grouped(g, values, scores, bootstrap));
  return s;
}

values_in_both values_of_both(std::span<const prediction_scores> here, std::span<const prediction_scores> there,
                              std::size_t column) {
  values_in_both out;
  for (std::size_t i = 0; i < here.size(); ++i) {
    std::vector<ratio> a, b;
    if (here[i].scored() && there[i].scored()) a = here[i].columns[column], b = there[i].columns[column];
    for (std::size_t s = 0; s < a.size(); ++s) {
      const bool in_a = a[s].status == ratio_status::measured, in_b = b[s].status == ratio_status::measured;
      out.one_sided += in_a != in_b;
      if (!in_a) b[s].status = a[s].status;
      if (!in_b) a[s].status = b[s].status;
    }
    out.here.push_back(mixture_score(a).value), out.there.push_back(mixture_score(b).value);
  }
  return out;
}

score_comparison compare_scores(std::span<const metric_column> columns, std::span<const prediction_scores> scores,
                                const std::filesystem::path& other, std::vector<prediction_scores> others,
                                const bootstrap_options& bootstrap) {
  score_comparison c{other, std::move(others), {}, {}};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const values_in_both values = values_of_both(scores, c.scores, i);
    c.columns.push_back(summarise_pairs(values.here, values.there, bootstrap));
    c.one_sided.push_back(values.one_sided);
  }
  return c;
}

}  // namespace avss::tools
