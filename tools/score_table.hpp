// Means of separation scores over many mixtures, and how they are printed.
#pragma once

#include <algorithm>
#include <avss/metric/named.hpp>
#include <avss/metric/separation.hpp>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace avss::tools {

// "12.34", "-" for a value that could not be measured.
inline std::string shown(double value, int decimals = 2) {
  if (!std::isfinite(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

// One metric of one mixture: the mean over the sources that were measured (NaN for none). Others (silent or broken
// signals) are counted.
struct mixture_score {
  double value = std::nan("");
  std::size_t left_out = 0;

  explicit mixture_score(std::span<const ratio> sources) {
    double sum = 0;
    std::size_t measured = 0;
    for (const ratio& r : sources)
      if (r.status == ratio_status::measured) sum += r.value, ++measured;
    left_out = sources.size() - measured;
    if (measured > 0) value = sum / static_cast<double>(measured);
  }
};

// One metric over many mixtures, each of which counts the same.
class score_column {
 public:
  void add(const mixture_score& score) {
    left_out_ += score.left_out;
    if (std::isfinite(score.value)) values_.push_back(score.value);
  }
  void add(std::span<const ratio> sources) { add(mixture_score(sources)); }

  std::size_t measured() const { return values_.size(); }  // mixtures
  std::size_t left_out() const { return left_out_; }       // sources
  // NaN for none.
  double mean() const {
    double sum = 0;
    for (const double v : values_) sum += v;
    return values_.empty() ? std::nan("") : sum / static_cast<double>(values_.size());
  }
  double median() const {
    if (values_.empty()) return std::nan("");
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t half = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[half] : sorted[half - 1] + (sorted[half] - sorted[half - 1]) / 2;
  }

 private:
  std::vector<double> values_;
  std::size_t left_out_ = 0;
};

// What was not measured, on a line of its own.
inline void print_left_out(std::ostream& out, const std::string& name, std::size_t sources) {
  if (sources > 0)
    out << name << ": " << sources << " silent or broken source" << (sources > 1 ? "s" : "") << " left out of the mean\n";
}

// All metrics of energies, with their improvements, of mixtures taken in one kind of order.
class score_summary {
 public:
  struct row {
    const named_metric* metric;
    score_column value, improvement;
  };

  score_summary() {
    for (const named_metric& m : known_metrics)
      if (m.of_energies) rows_.push_back({&m, {}, {}});
  }
  void add(const separation_meter& meter, std::span<const std::size_t> order) {
    for (row& r : rows_) {
      r.value.add(score_sources({r.metric, false}, order, meter));
      r.improvement.add(score_sources({r.metric, true}, order, meter));
    }
  }
  const std::vector<row>& rows() const { return rows_; }

 private:
  std::vector<row> rows_;
};

// The table at the end of a run: estimates in the order given, and in the best order.
inline void print_table(std::ostream& out, const score_summary& given, const score_summary& permuted) {
  const auto line = [&](const char* a, const std::string& b, const std::string& c, const std::string& d, const std::string& e) {
    char text[160];
    std::snprintf(text, sizeof text, "%-8s %9s %12s    %9s %12s\n", a, b.c_str(), c.c_str(), d.c_str(), e.c_str());
    out << text;
  };
  out << "                  order as given        best permutation (PIT)\n";
  line("dB", "value", "improvement", "value", "improvement");
  for (std::size_t i = 0; i < given.rows().size(); ++i) {
    const score_summary::row &g = given.rows()[i], &p = permuted.rows()[i];
    line(g.metric->title, shown(g.value.mean()), shown(g.improvement.mean()), shown(p.value.mean()),
         shown(p.improvement.mean()));
  }
  for (const score_summary::row& r : permuted.rows()) print_left_out(out, r.metric->title, r.value.left_out());
}

}  // namespace avss::tools
