#include "tools/score_report.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <cstdio>
#include <initializer_list>
#include <vector>

#include "tools/score_table.hpp"

namespace avss::tools {
namespace {

constexpr std::size_t most_groups = 20;  // on the terminal; files have all

// A table of words, whose columns are as wide as their longest: the first to the left, the others to the right.
class text_table {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream& out) const {
    std::vector<std::size_t> wide;
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i == wide.size()) wide.push_back(0);
        wide[i] = std::max(wide[i], row[i].size());
      }
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string fill(wide[i] - row[i].size(), ' ');
        line += i == 0 ? row[i] + fill : "   " + fill + row[i];
      }
      out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
    }
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

const char* order_of(const metric_column& c) { return c.permuted ? "best" : "given"; }

std::string interval_title(const score_report& r) { return shown(100 * r.statistics.bootstrap.level, 0) + "% interval"; }

void print_means(const score_report& r, std::ostream& out) {
  text_table table;
  table.add({"metric", "order", "mean", "median", "25%", "75%", interval_title(r), ""});
  for (std::size_t i = 0; i < r.columns.size(); ++i) {
    const metric_column& c = r.columns[i];
    const value_summary& s = r.statistics.columns[i];
    const int d = c.choice.metric->decimals;
    table.add({c.name, order_of(c), shown(s.mean, d), shown(s.median, d), shown(s.first_quartile, d),
               shown(s.third_quartile, d), shown(s.interval, d), c.choice.metric->unit});
  }
  table.print(out);
}

void print_left_out(const score_report& r, std::ostream& out) {
  for (std::size_t i = 0; i < r.columns.size(); ++i)
    if (const left_out_sources left = left_out_of(r.scores, i); left.count > 0)
      out << r.columns[i].name << ": " << left.count << " source" << (left.count > 1 ? "s" : "") << " left out of the mean ("
          << left.reasons << "), such as in " << one_line(r.files.items[left.first].name) << '\n';
  if (const std::size_t n = r.statistics.clipped; n > 0) {
    const auto first = std::find_if(r.scores.begin(), r.scores.end(), [](const auto& f) { return !f.clipped.empty(); });
    out << "clipped: " << n << " of " << r.statistics.scored << " files, such as "
        << one_line(r.files.items[static_cast<std::size_t>(first - r.scores.begin())].name) << " (" << first->clipped << ")\n";
  }
  if (const std::size_t n = r.statistics.refused; n > 0)
    out << "not scored: " << n << " of " << r.scores.size() << " files, which are in no mean\n";
}

void print_order(const score_report& r, std::ostream& out) {
  if (r.files.sources < 2) return;
  const mean_orders m = orders_of(r.scores);
  out << "speakers swapped: " << r.statistics.swapped << " of " << r.statistics.scored << " files ("
      << percent(r.statistics.swapped, r.statistics.scored) << "); SI-SNR " << shown(m.given) << " dB in the order given, "
      << shown(m.best) << " dB in the best one of each file\n";
}

// Of metrics that choose an order of their own: in how many files it is not that of SI-SNR.
void print_own_orders(const score_report& r, std::ostream& out) {
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    if (!r.columns[c].own_order) continue;
    const auto differs = [&](const prediction_scores& f) { return f.scored() && f.orders[c] != f.order; };
    if (const auto n = std::count_if(r.scores.begin(), r.scores.end(), differs); n > 0)
      out << r.columns[c].name << ": another order of the speakers than by SI-SNR in " << n << " of " << r.statistics.scored
          << " files\n";
  }
}

void print_worst(const score_report& r, std::ostream& out) {
  const metric_column& first = r.columns[r.statistics.lead];
  if (!r.statistics.worst.empty()) out << "worst by " << first.name << ":\n";
  for (const std::size_t i : r.statistics.worst) {
    const prediction_scores& f = r.scores[i];
    char text[64];
    std::snprintf(text, sizeof text, "%9s  ",
                  shown(mixture_score(f.columns[r.statistics.lead]).value, first.choice.metric->decimals).c_str());
    out << text << one_line(r.files.items[i].name) << " (" << source_values(first, f.columns[r.statistics.lead])
        << (f.swapped() ? "; swapped)\n" : ")\n");
  }
}

void print_groups(const score_report& r, const grouped_scores& by, std::ostream& out) {
  text_table table;
  std::vector<std::string> head{"by " + one_line(by.title), "files"};
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    head.push_back(r.columns[c].name);
    if (c == 0) head.push_back(interval_title(r));
  }
  table.add(head);
  for (std::size_t g = 0; g < std::min(most_groups, by.groups.size()); ++g) {
    const score_group& group = by.groups[g];
    std::vector<std::string> row{one_line(group.name), std::to_string(group.files)};
    for (std::size_t c = 0; c < r.columns.size(); ++c) {
      const int d = r.columns[c].choice.metric->decimals;
      row.push_back(shown(group.columns[c].mean, d));
      if (c == 0) row.push_back(shown(group.columns[c].interval, d));
    }
    table.add(row);
  }
  out << '\n';
  table.print(out);
  if (by.groups.size() > most_groups) out << "and " << by.groups.size() - most_groups << " more groups, in scores.json\n";
  if (by.ungrouped > 0) out << by.ungrouped << " of " << r.statistics.scored << " files have no group\n";
}

void print_comparison(const score_report& r, const score_comparison& c, std::ostream& out) {
  text_table table;
  table.add({"against " + one_line(c.predictions.string()), "here", "there", "difference", interval_title(r), "better", "worse",
             "equal", ""});
  for (std::size_t i = 0; i < r.columns.size(); ++i) {
    const paired_summary& s = c.columns[i];
    const named_metric& m = *r.columns[i].choice.metric;
    table.add({r.columns[i].name, shown(s.first, m.decimals), shown(s.second, m.decimals), shown(s.difference.mean, m.decimals),
               shown(s.difference.interval, m.decimals), std::to_string(s.better), std::to_string(s.worse),
               std::to_string(s.equal), m.unit});
  }
  out << '\n';
  table.print(out);
  for (std::size_t i = 0; i < r.columns.size(); ++i)
    if (const std::size_t n = c.one_sided[i]; n > 0)
      out << r.columns[i].name << ": " << n << (n == 1 ? " source is" : " sources are")
          << " measured in one of the two alone, and in neither mean above\n";
}

}  // namespace

std::string shown(const confidence_interval& c, int decimals) {
  return std::isfinite(c.low) ? shown(c.low, decimals) + " to " + shown(c.high, decimals) : "-";
}

std::string source_values(const metric_column& column, std::span<const ratio> sources) {
  std::string text;
  for (std::size_t s = 0; s < sources.size(); ++s)
    text += (s > 0 ? ", " : "") + source_folder_name(s + 1) + " " +
            (sources[s].status == ratio_status::measured ? shown(sources[s].value, column.choice.metric->decimals)
                                                         : name_of(sources[s].status));
  return text;
}

std::string percent(std::size_t part, std::size_t of) {
  return shown(of == 0 ? 0. : 100. * static_cast<double>(part) / static_cast<double>(of), 1) + "%";
}

mean_orders orders_of(std::span<const prediction_scores> scores) {
  score_column given, best;
  for (const prediction_scores& f : scores)
    if (f.scored()) given.add(f.si_snr_given), best.add(f.si_snr_best);
  return {given.mean(), best.mean()};
}

void score_report::print(std::ostream& out) const {
  print_means(*this, out);
  print_left_out(*this, out);
  print_order(*this, out);
  print_own_orders(*this, out);
  print_worst(*this, out);
  for (const grouped_scores& g : statistics.groups) print_groups(*this, g, out);
  if (statistics.comparison) print_comparison(*this, *statistics.comparison, out);
}

}  // namespace avss::tools
