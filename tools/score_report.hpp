// What a run of metrics tells: a table on the terminal, a line of each file as CSV, everything as JSON.
#pragma once

#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "tools/score_prediction.hpp"

namespace avss::tools {

// How the files begin, by which an earlier one is known.
inline constexpr std::string_view csv_begin = "name,seconds,order,swapped,", json_begin = "{\n\"ground_truth\": ";

struct score_report {
  const prediction_list& files;
  std::span<const metric_column> columns;
  std::span<const prediction_scores> scores;  // of files.items, in their order

  std::size_t swapped() const;  // files whose best order is not the given one

  // Mean, median, the worst five files by the first column, the order of the speakers, what was left out.
  void print(std::ostream& out) const;
  // A header, then a line a file: name, seconds, order, swapped, for each column the mean over the sources, for each column
  // and source its value, and what was not measured. Numbers have all their digits; what was not measured is empty.
  std::string csv() const;
  // The same with means and medians over the files; what was not measured is null.
  std::string json() const;
};

}  // namespace avss::tools
