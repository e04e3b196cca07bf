// A page of scores of what infer has written.
#pragma once

#include <filesystem>
#include <ostream>

#include "tools/infer_options.hpp"

namespace avss::tools {

struct infer_report {
  std::filesystem::path page;
  bool permuted = true;  // estimates in the best order, else as given
  int threads = 1;
};

// Before anything is separated. Throws error where there is no ground truth, where the results will have another rate, and for
// a page that could not be written.
void check_report(const infer_options& options, const infer_report& report);

// Scores the results' files as //tools:calc_metrics does (see metrics_job.hpp), of the names that are there on both sides.
// Returns its status.
int write_report(const infer_options& options, const infer_report& report, std::ostream& out, std::ostream& err);

}  // namespace avss::tools
