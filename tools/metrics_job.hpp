// Scoring saved estimates against their ground truth, without the command line around it.
#pragma once

#include <avss/data/prediction_layout.hpp>
#include <filesystem>
#include <ostream>
#include <vector>

#include "tools/score_prediction.hpp"

namespace avss {

struct metrics_options {
  std::filesystem::path truth, predictions;  // see data/prediction_layout.hpp
  name_rule names = name_rule::equal;
  std::vector<tools::metric_column> columns;  // at least one
  // Gets scores.csv and scores.json, which replace earlier ones and nothing else; made when there is something to write.
  // Empty: no files.
  std::filesystem::path save_path;
  int threads = 1;
  bool terminal = false;  // `err` is one: progress may be redrawn
};

// Scores all files, several at a time; what is printed and written does not depend on the number of threads. Memory grows with
// the number of files by their scores alone. The table goes to `out`, progress and notes to `err`.
//
// Returns 0, or 130 when stopped by SIGINT or SIGTERM. Throws error, of one line, for files that do not fit each other or
// cannot be read (all are tried first; the line tells of the first by name and how many there are) and where results cannot be
// written. Results are only written when all files are scored.
int run_metrics(const metrics_options& options, std::ostream& out, std::ostream& err);

}  // namespace avss
