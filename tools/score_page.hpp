// The scores of many files as one page to read, to look at and to listen to.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/score_examples.hpp"
#include "tools/score_report.hpp"

namespace avss::tools {

// What tells this page from others.
constexpr const char* scores_generator = "<meta name=\"generator\" content=\"avss calc_metrics\">";

// Beyond them further files, groups and points are left out, and the page says so. All but the examples is less than 2 MiB for
// names of usual lengths.
inline constexpr std::size_t most_page_files = 500, most_page_groups = 50, most_page_points = 1500;

// Needs no other file, no network and no script.
std::string score_page(const score_report& report, const std::vector<score_example>& examples);

}  // namespace avss::tools
