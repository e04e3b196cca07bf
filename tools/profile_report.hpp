// What a network costs, as a table to read, as CSV and as JSON.
#pragma once

#include <avss/model/model_cost.hpp>
#include <string>

namespace avss::tools {

// Totals in a sentence or two, then a row for each part: parameters, MACs and time with their shares of the whole.
std::string profile_table(const model_cost& cost);
// part,parameters,macs,seconds; the last row is "all".
std::string profile_csv(const model_cost& cost);
std::string profile_json(const model_cost& cost);

}  // namespace avss::tools
