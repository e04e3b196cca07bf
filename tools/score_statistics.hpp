// Statistics of the scores of many files: of all, of groups, and of two folders of predictions.
#pragma once

#include <avss/metric/statistics.hpp>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/score_groups.hpp"
#include "tools/score_prediction.hpp"

namespace avss::tools {

inline constexpr std::size_t shown_worst = 10;

// The mean over a file's sources that were measured, for every file; NaN for none.
std::vector<double> values_of(std::span<const prediction_scores> scores, std::size_t column);

// What was not measured in a column: sources, by the reason.
struct left_out_sources {
  std::size_t count = 0;
  std::size_t first = 0;  // the file of the first of them
  std::string reasons;    // "3 silent target, 1 silent estimate"
};
left_out_sources left_out_of(std::span<const prediction_scores> scores, std::size_t column);

struct score_group {
  std::string name;
  std::size_t files = 0;               // that were scored
  std::vector<value_summary> columns;  // [column]
};
struct grouped_scores {
  std::string title;
  std::size_t ungrouped = 0;  // scored files without a group
  std::vector<score_group> groups;
};

// The means over a file's sources that were measured in both of two predictions, for every file; NaN for none. A source that
// one of them alone has a value for would make a mean of other sources, and that of silence the better one.
struct values_in_both {
  std::vector<double> here, there;
  std::size_t one_sided = 0;  // sources measured in one of the two alone
};
values_in_both values_of_both(std::span<const prediction_scores> here, std::span<const prediction_scores> there,
                              std::size_t column);

// The same files as another system separated them.
struct score_comparison {
  std::filesystem::path predictions;
  std::vector<prediction_scores> scores;  // [file]
  std::vector<paired_summary> columns;    // [column]; differences are less the other's
  std::vector<std::size_t> one_sided;     // [column]; see values_in_both
};

struct score_statistics {
  std::size_t scored = 0, refused = 0, swapped = 0, clipped = 0;  // files
  std::vector<value_summary> columns;                             // [column]
  std::size_t lead = 0;            // the column that files are ranked by: the first that anything was measured in
  std::vector<std::size_t> worst;  // files, by it
  std::vector<grouped_scores> groups;
  std::optional<score_comparison> comparison;
  bootstrap_options bootstrap;  // of all intervals
};

// All but the comparison.
score_statistics statistics_of(std::span<const metric_column> columns, std::span<const prediction_scores> scores,
                               std::span<const score_grouping> groupings, const bootstrap_options& bootstrap);

score_comparison compare_scores(std::span<const metric_column> columns, std::span<const prediction_scores> scores,
                                const std::filesystem::path& other, std::vector<prediction_scores> others,
                                const bootstrap_options& bootstrap);

}  // namespace avss::tools
