#include "tools/score_groups.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/io/bytes.hpp>
#include <avss/io/csv.hpp>
#include <avss/io/read_file.hpp>
#include <avss/metric/statistics.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <regex>
#include <string_view>
#include <utility>

namespace avss::tools {
namespace {

constexpr std::size_t most_single_numbers = 12, bins = 4;

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Numbers ascend, before words, which are in the order of their bytes.
bool shown_before(const std::string& a, const std::string& b) {
  const std::optional<double> x = number_of(a), y = number_of(b);
  if (x && y && *x != *y) return *x < *y;
  return x.has_value() != y.has_value() ? x.has_value() : a < b;
}

score_grouping group_by_value(std::string title, std::span<const std::string> values) {
  score_grouping g{std::move(title), {}, {}};
  for (const std::string& v : values)
    if (!v.empty()) g.groups.push_back(v);
  std::sort(g.groups.begin(), g.groups.end(), shown_before);
  g.groups.erase(std::unique(g.groups.begin(), g.groups.end()), g.groups.end());
  for (const std::string& v : values) {
    const auto at = v.empty() ? g.groups.end() : std::lower_bound(g.groups.begin(), g.groups.end(), v, shown_before);
    g.of_file.push_back(v.empty() ? score_grouping::none : static_cast<std::size_t>(at - g.groups.begin()));
  }
  return g;
}

std::string shortly(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", v);
  return text;
}

// "1.5 to 3.25", the last with its upper end.
score_grouping group_by_quartile(std::string title, std::span<const std::string> values) {
  std::vector<double> sorted, edges;
  for (const std::string& v : values)
    if (!v.empty()) sorted.push_back(*number_of(v));
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i <= bins; ++i) edges.push_back(quantile_of_sorted(sorted, static_cast<double>(i) / bins));
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  score_grouping g{std::move(title), {}, {}};
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) g.groups.push_back(shortly(edges[i]) + " to " + shortly(edges[i + 1]));
  for (const std::string& v : values) {
    const auto above = v.empty() ? edges.end() : std::upper_bound(edges.begin(), edges.end(), *number_of(v));
    const std::size_t bin = static_cast<std::size_t>(above - edges.begin()) - 1;
    g.of_file.push_back(v.empty() ? score_grouping::none : std::min(bin, g.groups.size() - 1));
  }
  return g;
}

score_grouping group_by_column(const std::string& title, std::span<const std::string> values) {
  score_grouping g = group_by_value(title, values);
  const bool numbers =
      std::all_of(g.groups.begin(), g.groups.end(), [](const std::string& v) { return number_of(v).has_value(); });
  return numbers && g.groups.size() > most_single_numbers ? group_by_quartile(title, values) : g;
}

// Part n of the text between separators, "" if there is none.
std::string part_of(std::string_view text, std::string_view separator, std::size_t n) {
  for (; n > 0; --n) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return "";
    text.remove_prefix(at + separator.size());
  }
  return std::string(text.substr(0, text.find(separator)));
}

[[noreturn]] void no_rule(const std::string& rule, const std::string& why) {
  fail("metric_calculator.group_by: '", rule, "' ", why, "; expected stem:SEPARATOR:N, such as stem:_:0, or regex:EXPRESSION, ",
       "typed as \"metric_calculator.group_by='regex:^([a-z]+)'\"");
}

std::vector<std::string> parts_by_regex(const std::string& rule, const std::string& text, std::span<const std::string> names) {
  std::vector<std::string> parts;
  try {
    const std::regex expression(text);
    for (const std::string& name : names) {
      std::smatch found;
      const bool any = std::regex_search(name, found, expression);
      parts.push_back(any ? found[found.size() > 1 ? 1 : 0].str() : "");
    }
  } catch (const std::regex_error& e) {
    no_rule(rule, std::string("is no regular expression (") + e.what() + ")");
  }
  return parts;
}

// Row numbers by names, which are written with or without an extension.
std::map<std::string, std::size_t> rows_by_name(const csv_table& table, std::size_t column, const std::string& file) {
  std::map<std::string, std::size_t> rows;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::filesystem::path written = table.rows[i][column];
    const std::string name = detail::has_audio_extension(written) ? written.stem().string() : written.string();
    if (const auto [old, fresh] = rows.try_emplace(name, i); !fresh)
      fail(file, ":", table.lines[i], ": has '", name, "' again, as in line ", table.lines[old->second],
           "; remove one of them");
  }
  return rows;
}

}  // namespace

score_grouping group_by_name(const std::string& rule, std::span<const std::string> names) {
  if (rule.starts_with("regex:")) return group_by_value(rule, parts_by_regex(rule, rule.substr(6), names));
  const std::size_t last = rule.rfind(':');
  if (!rule.starts_with("stem:") || last < 6) no_rule(rule, "is no rule for groups");
  const std::string separator = rule.substr(5, last - 5), digits = rule.substr(last + 1);
  std::size_t n = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (digits.empty() || status != std::errc{} || end != digits.data() + digits.size()) no_rule(rule, "has no number of a part");
  std::vector<std::string> parts;
  for (const std::string& name : names) parts.push_back(part_of(name, separator, n));
  return group_by_value(rule, parts);
}

std::vector<score_grouping> group_by_table(const std::filesystem::path& file, std::span<const std::string> names,
                                           std::size_t& unknown) {
  const std::vector<std::byte> bytes = read_file(file.string());
  const csv_table table = parse_csv(as_text(bytes), file.string());
  const auto at = std::find(table.header.begin(), table.header.end(), "name");
  if (at == table.header.end() || table.header.size() < 2)
    fail(file.string(), ": has ", at == table.header.end() ? "no column 'name'" : "no column beside 'name'",
         "; expected a header such as name,noise,snr");
  const std::size_t column = static_cast<std::size_t>(at - table.header.begin());
  const std::map<std::string, std::size_t> rows = rows_by_name(table, column, file.string());
  std::size_t known = 0;
  for (const std::string& name : names) known += rows.contains(name);
  unknown = rows.size() - known;
  std::vector<score_grouping> groupings;
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    if (c == column) continue;
    std::vector<std::string> values;
    for (const std::string& name : names) {
      const auto row = rows.find(name);
      values.push_back(row == rows.end() ? "" : table.rows[row->second][c]);
    }
    groupings.push_back(group_by_column(table.header[c], values));
  }
  return groupings;
}

}  // namespace avss::tools
