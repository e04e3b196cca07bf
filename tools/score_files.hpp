// The files that a run of metrics leaves.
#pragma once

#include <string>
#include <string_view>

#include "tools/score_report.hpp"

namespace avss::tools {

// How the files begin, by which an earlier one is known.
inline constexpr std::string_view csv_begin = "name,seconds,order,swapped,",
                                  json_begin = "{\n\"ground_truth\": ", differences_begin = "name,order,order_there,";

// A header, then a line a file: name, seconds, order, swapped, for each column the mean over the sources, for each column
// and source its value, what was not measured and why, and which files are clipped. Numbers have all their digits; what was not
// measured is empty. Of a file that could not be scored only the name and the reason.
std::string scores_csv(const score_report& report);

// The same with the statistics over the files, groups and the comparison; what was not measured is null.
std::string scores_json(const score_report& report);

// A header, then a line a file: its name, the orders of the speakers, and for each column the values here and there and their
// difference, here less there. There must be a comparison.
std::string differences_csv(const score_report& report);

}  // namespace avss::tools
