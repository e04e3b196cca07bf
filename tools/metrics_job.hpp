// Scoring saved estimates against their ground truth, without the command line around it.
#pragma once

#include <avss/data/prediction_layout.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tools/score_examples.hpp"
#include "tools/score_prediction.hpp"

namespace avss {

struct metrics_options {
  std::filesystem::path truth, predictions;  // see data/prediction_layout.hpp
  name_rule names = name_rule::equal;
  std::optional<std::vector<std::string>> only;  // sorted names; all others are left out
  std::vector<tools::metric_column> columns;     // at least one
  metric_instruments instruments;                // of those columns that need them
  // Gets scores.csv, scores.json and, with `compare`, differences.csv, which replace earlier ones and nothing else; made when
  // there is something to write. Empty: no files.
  std::filesystem::path save_path;
  std::filesystem::path report;       // an HTML page, which replaces an earlier one of this kind and nothing else; empty: none
  tools::example_options examples;    // of the page
  std::vector<std::string> group_by;  // rules for names, see score_groups.hpp
  std::filesystem::path attributes;   // a table of groups, or empty
  std::filesystem::path compare;      // predictions of another system for the same mixtures, or empty
  bool refuse_broken = false;         // a file that cannot be scored ends the run; otherwise it is left out and told
  std::uint64_t seed = 1;             // of the resamples of the intervals
  int threads = 1;
  bool terminal = false;  // `err` is one: progress may be redrawn
};

// Scores all files, several at a time; what is printed and written does not depend on the number of threads. Memory grows with
// the number of files by their scores alone. The table goes to `out`, progress and notes to `err`.
//
// A file that cannot be read, is cut off, has samples that are not finite, or does not fit its mixture in rate, channels or
// length has a line on `err`, stands in scores.csv without values, and is in no mean; of two folders that are compared, it
// counts in neither.
//
// Returns 0; 1 where files were left out so; 130 when stopped by SIGINT or SIGTERM, with nothing written. Throws error, of one
// line, for folders that do not fit each other, where all files are refused or one is and `refuse_broken` is set (all are tried
// first; the line tells of the first by name and how many there are), and where results cannot be written. Results are only
// written when all files are scored.
int run_metrics(const metrics_options& options, std::ostream& out, std::ostream& err);

// What run_metrics does before it scores: throws error for a report that could not be written, or would replace a file that is
// no page of scores. `key` is the one that named it, for messages.
void check_report_page(const std::filesystem::path& file, const char* key);

}  // namespace avss
