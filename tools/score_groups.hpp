// Files in groups, by their names or by a table of attributes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace avss::tools {

// One way to group files.
struct score_grouping {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::string title;                 // the rule, the column's name
  std::vector<std::string> groups;   // in the order in which they are shown
  std::vector<std::size_t> of_file;  // [file]: its group's number, `none` for a file without
};

// By a rule for names, one of
//   stem:SEPARATOR:N   part N of the name, from 0, cut at every SEPARATOR: stem:-:0 of 103-1240-0000 is 103
//   regex:EXPRESSION   what the expression's first parenthesis finds anywhere in the name, or, without any, the whole finding
//                      (ECMAScript's syntax, as std::regex has it)
// Names that have no such part have no group. Throws error for a text that is no such rule.
score_grouping group_by_name(const std::string& rule, std::span<const std::string> names);

// By a CSV file: a column "name", of files with or without an audio extension, and any others, each of which is a grouping.
// Files that are not named and empty fields have no group. A column of more than 12 different values, all of them numbers, is
// cut at its quartiles. Throws error for a file that cannot be read, that lacks the column or has nothing else, and for a name
// that is there twice. Rows of other names are counted in `unknown`.
std::vector<score_grouping> group_by_table(const std::filesystem::path& file, std::span<const std::string> names,
                                           std::size_t& unknown);

}  // namespace avss::tools
