// Scores of what infer has written, beyond those that it prints on the way.
#pragma once

#include <avss/metric/item_signals.hpp>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "tools/infer_options.hpp"
#include "tools/score_prediction.hpp"

namespace avss::tools {

struct infer_report {
  std::filesystem::path page;  // empty: the terminal's table alone
  std::vector<metric_column> columns;
  metric_instruments instruments;
  int threads = 1;
};

// Whether it is asked for: a page, or metrics that are no ratios of energies, where there is ground truth. Before anything is
// separated. Throws error where a page has no ground truth, where the results will have another rate, and for a page that could
// not be written.
bool wants_report(const infer_options& options, const infer_report& report);

// Scores the results' files of those names as //tools:calc_metrics does (see metrics_job.hpp). Returns its status.
int write_report(const infer_options& options, const infer_report& report, std::vector<std::string> written, std::ostream& out,
                 std::ostream& err);

}  // namespace avss::tools
