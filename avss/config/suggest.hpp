// "did you mean": the known name nearest to a mistyped one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace avss::config {

// Edits (insert, delete, replace, swap of neighbours; letter case counts half as much as a letter) between two names,
// times two.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = 2 * j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = 2 * i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 2;
      row[j] = std::min({last[j] + 2, row[j - 1] + 2, last[j - 1] + replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 2);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

// The candidate nearest to `name`, or "" when none is near (more than a third of its letters differ). A dotted
// candidate whose last part is `name` is near too: n_epochs -> trainer.n_epochs.
inline std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  if (name.empty() || name.size() > 200) return "";
  std::string best;
  std::size_t best_distance = 2 * std::max<std::size_t>(1, (name.size() + 2) / 3) + 1;
  for (const std::string& c : candidates) {
    if (c.size() > 200) continue;
    std::size_t d = edit_distance(name, c);
    if (name.find('.') == std::string_view::npos) {
      const std::size_t dot = c.rfind('.');
      if (dot != std::string::npos) d = std::min(d, edit_distance(name, std::string_view(c).substr(dot + 1)) + 1);
    }
    if (d < best_distance) best_distance = d, best = c;
  }
  return best;
}

// "; did you mean 'x'?" or "".
inline std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string best = nearest(name, candidates);
  return best.empty() || best == name ? "" : "; did you mean '" + best + "'?";
}

// "a, b, c", or "none".
inline std::string listed(const std::vector<std::string>& names) {
  std::string line;
  for (const std::string& n : names) line += (line.empty() ? "" : ", ") + n;
  return line.empty() ? "none" : line;
}

}  // namespace avss::config
