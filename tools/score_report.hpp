// What a run of metrics tells on the terminal.
#pragma once

#include <avss/data/prediction_layout.hpp>
#include <cstddef>
#include <ostream>
#include <span>
#include <string>

#include "tools/score_prediction.hpp"
#include "tools/score_statistics.hpp"

namespace avss::tools {

struct score_report {
  const prediction_list& files;
  std::span<const metric_column> columns;
  std::span<const prediction_scores> scores;  // of files.items, in their order
  const score_statistics& statistics;

  // Mean, median, quartiles and the mean's interval, groups, the other folder, the order of the speakers, the worst ten files
  // by the first column, and what was not measured.
  void print(std::ostream& out) const;
};

// "12.34 to 13.01", "-" for none.
std::string shown(const confidence_interval& c, int decimals);

// "s1 12.34, s2 silent target": a column of a file, source by source.
std::string source_values(const metric_column& column, std::span<const ratio> sources);

// "40.0%"
std::string percent(std::size_t part, std::size_t of);

// Of all scored files: the mean SI-SNR in the order given and in the best one.
struct mean_orders {
  double given = 0, best = 0;
};
mean_orders orders_of(std::span<const prediction_scores> scores);

}  // namespace avss::tools
