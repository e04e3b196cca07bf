// The sections of the page of scores.
#pragma once

#include <string>
#include <vector>

#include "tools/score_examples.hpp"
#include "tools/score_report.hpp"

namespace avss::tools {

// A metric's title where the column has its usual name, else the column's name; escaped.
std::string page_title(const metric_column& column);

// "SI-SNRi, dB"
std::string page_title_with_unit(const metric_column& column);

// "6.79 dB", "-" for none.
std::string page_value(const metric_column& column, double value);

// Histograms of all columns, and SI-SNR's improvement over the input's SI-SNR.
std::string chart_sections(const score_report& report);

// The comparison with the other folder, which there must be.
std::string comparison_section(const score_report& report);

// Players and spectrograms; ids are "example1" and so on.
std::string example_section(const score_report& report, const std::vector<score_example>& examples);

}  // namespace avss::tools
