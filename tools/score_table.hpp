// Means of separation scores over many mixtures, and how they are printed.
#pragma once

#include <array>
#include <avss/metric/separation.hpp>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

namespace avss::tools {

// "12.34", "-" for a value that could not be measured.
inline std::string decibels(double value) {
  if (!std::isfinite(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

// The mean of one metric. What was not measured (silent or broken signals) is counted, not averaged.
struct score_mean {
  double sum = 0;
  std::size_t measured = 0, left_out = 0;

  void add(const ratio& r) {
    if (r.status != ratio_status::measured) {
      ++left_out;
      return;
    }
    sum += r.value;
    ++measured;
  }
  double value() const { return measured == 0 ? std::nan("") : sum / static_cast<double>(measured); }
};

// One metric and its improvement over the mixture.
struct score_means {
  score_mean value, improvement;
};

// SI-SNR, SI-SDR and SNR over all sources of all mixtures.
struct score_summary {
  static constexpr std::array<const char*, 3> names{"SI-SNR", "SI-SDR", "SNR"};
  std::array<score_means, 3> metrics;

  void add(const std::vector<source_scores>& scores) {
    for (const source_scores& s : scores) {
      metrics[0].value.add(s.si_snr), metrics[0].improvement.add(s.si_snr_improvement);
      metrics[1].value.add(s.si_sdr), metrics[1].improvement.add(s.si_sdr_improvement);
      metrics[2].value.add(s.snr), metrics[2].improvement.add(s.snr_improvement);
    }
  }
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
  for (std::size_t m = 0; m < given.metrics.size(); ++m)
    line(score_summary::names[m], decibels(given.metrics[m].value.value()), decibels(given.metrics[m].improvement.value()),
         decibels(permuted.metrics[m].value.value()), decibels(permuted.metrics[m].improvement.value()));
  for (std::size_t m = 0; m < given.metrics.size(); ++m)
    if (const std::size_t n = permuted.metrics[m].value.left_out)
      out << score_summary::names[m] << ": " << n << " silent or broken source" << (n > 1 ? "s" : "")
          << " left out of the mean\n";
}

}  // namespace avss::tools
