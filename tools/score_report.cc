#include "tools/score_report.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/io/strict_json.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <vector>

#include "tools/score_table.hpp"

namespace avss::tools {
namespace {

constexpr std::size_t shown_worst = 5;

// All digits; `missing` for what is no number.
std::string number(double v, const char* missing) {
  if (!std::isfinite(v)) return missing;
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, v).ptr};
}
std::string number(const ratio& r, const char* missing) {
  return r.status == ratio_status::measured ? number(r.value, missing) : missing;
}

std::string source_name(std::size_t s) { return source_folder_name(s + 1); }

// RFC 4180
std::string csv_quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// JSON knows UTF-8 alone; a file's name may be any bytes.
std::string json_text(std::string text) {
  try {
    strict_json::parse(json_quoted(text), "name");
  } catch (const error&) {
    for (char& c : text)
      if (static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return json_quoted(text);
}

// "2 1": which estimate belongs to s1, s2, ...
std::string order_text(const std::vector<std::size_t>& order, const char* between) {
  std::string text;
  for (std::size_t i = 0; i < order.size(); ++i) text += (i > 0 ? between : "") + std::to_string(order[i] + 1);
  return text;
}

// "si_snri s2: silent target; ..." of what was not measured.
std::string notes(std::span<const metric_column> columns, const prediction_scores& f) {
  std::string text;
  for (std::size_t c = 0; c < columns.size(); ++c)
    for (std::size_t s = 0; s < f.columns[c].size(); ++s)
      if (const ratio& r = f.columns[c][s]; r.status != ratio_status::measured)
        text += (text.empty() ? "" : "; ") + columns[c].name + " " + source_name(s) + ": " + name_of(r.status);
  return text;
}

score_column summary(const score_report& r, std::size_t column) {
  score_column c;
  for (const prediction_scores& f : r.scores) c.add(f.columns[column]);
  return c;
}

std::string percent(std::size_t part, std::size_t of) {
  return shown(100. * static_cast<double>(part) / static_cast<double>(of), 1) + "%";
}

void print_means(const score_report& r, std::ostream& out) {
  std::size_t wide = 6;
  for (const metric_column& c : r.columns) wide = std::max(wide, c.name.size());
  const auto line = [&](const std::string& name, const std::string& order, const std::string& mean, const std::string& median,
                        const std::string& unit) {
    char text[96];
    std::snprintf(text, sizeof text, "  %-8s %9s %9s", order.c_str(), mean.c_str(), median.c_str());
    out << name << std::string(wide - name.size(), ' ') << text << (unit.empty() ? "" : "  ") << unit << '\n';
  };
  line("metric", "order", "mean", "median", "");
  std::vector<score_column> summaries;
  for (std::size_t i = 0; i < r.columns.size(); ++i) {
    const metric_column& c = r.columns[i];
    const named_metric& m = *c.choice.metric;
    summaries.push_back(summary(r, i));
    line(c.name, c.permuted ? "best" : "given", shown(summaries[i].mean(), m.decimals),
         shown(summaries[i].median(), m.decimals), m.unit);
  }
  for (std::size_t i = 0; i < r.columns.size(); ++i) print_left_out(out, r.columns[i].name, summaries[i].left_out());
}

void print_order(const score_report& r, std::ostream& out) {
  if (r.files.sources < 2) return;
  score_column given, best;
  for (const prediction_scores& f : r.scores) given.add(f.si_snr_given), best.add(f.si_snr_best);
  const std::size_t n = r.swapped();
  out << "speakers swapped: " << n << " of " << r.scores.size() << " files (" << percent(n, r.scores.size()) << "); SI-SNR "
      << shown(given.mean()) << " dB in the order given, " << shown(best.mean()) << " dB in the best one of each file\n";
}

// Of metrics that choose an order of their own: in how many files it is not that of SI-SNR.
void print_own_orders(const score_report& r, std::ostream& out) {
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    if (!r.columns[c].own_order) continue;
    const auto differs = [&](const prediction_scores& f) { return f.orders[c] != f.order; };
    if (const auto n = std::count_if(r.scores.begin(), r.scores.end(), differs); n > 0)
      out << r.columns[c].name << ": another order of the speakers than by SI-SNR in " << n << " of " << r.scores.size()
          << " files\n";
  }
}

void print_worst(const score_report& r, std::ostream& out) {
  const metric_column& first = r.columns.front();
  std::vector<std::pair<double, std::size_t>> ranked;
  for (std::size_t i = 0; i < r.scores.size(); ++i)
    if (const double v = mixture_score(r.scores[i].columns.front()).value; std::isfinite(v)) ranked.emplace_back(v, i);
  const std::size_t n = std::min(shown_worst, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(n), ranked.end());
  if (n > 0) out << "worst by " << first.name << ":\n";
  for (std::size_t k = 0; k < n; ++k) {
    const prediction_scores& f = r.scores[ranked[k].second];
    char text[64];
    std::snprintf(text, sizeof text, "%9s  ", shown(ranked[k].first, first.choice.metric->decimals).c_str());
    out << text << one_line(r.files.items[ranked[k].second].name) << " (";
    for (std::size_t s = 0; s < f.columns.front().size(); ++s) {
      const ratio& v = f.columns.front()[s];
      out << (s > 0 ? ", " : "") << source_name(s) << ' '
          << (v.status == ratio_status::measured ? shown(v.value, first.choice.metric->decimals) : name_of(v.status));
    }
    out << (f.swapped() ? "; swapped)\n" : ")\n");
  }
}

std::string json_of_columns(const score_report& r, const prediction_scores& f) {
  std::string text;
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    text += (c > 0 ? ", " : "") + json_text(r.columns[c].name) +
            ": {\"mean\": " + number(mixture_score(f.columns[c]).value, "null") + ", \"sources\": [";
    for (std::size_t s = 0; s < f.columns[c].size(); ++s) text += (s > 0 ? ", " : "") + number(f.columns[c][s], "null");
    text += "]}";
  }
  return text;
}

}  // namespace

std::size_t score_report::swapped() const {
  return static_cast<std::size_t>(std::count_if(scores.begin(), scores.end(), [](const auto& f) { return f.swapped(); }));
}

void score_report::print(std::ostream& out) const {
  print_means(*this, out);
  print_order(*this, out);
  print_own_orders(*this, out);
  print_worst(*this, out);
}

std::string score_report::csv() const {
  std::string text(csv_begin);
  for (const metric_column& c : columns) text += csv_quoted(c.name) + ",";
  for (const metric_column& c : columns)
    for (std::size_t s = 0; s < files.sources; ++s) text += csv_quoted(c.name + "_" + source_name(s)) + ",";
  text += "not_measured\n";
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const prediction_scores& f = scores[i];
    text += csv_quoted(files.items[i].name) + "," + number(f.seconds, "") + "," + order_text(f.order, " ") +
            (f.swapped() ? ",1" : ",0");
    for (const auto& column : f.columns) text += "," + number(mixture_score(column).value, "");
    for (const auto& column : f.columns)
      for (const ratio& r : column) text += "," + number(r, "");
    text += "," + csv_quoted(notes(columns, f)) + "\n";
  }
  return text;
}

std::string score_report::json() const {
  std::string text = std::string(json_begin) + json_text(files.truth.string()) +
                     ",\n\"predictions\": " + json_text(files.predictions.string()) +
                     ",\n\"files\": " + std::to_string(scores.size()) + ",\n\"sources\": " + std::to_string(files.sources) +
                     ",\n\"names_left_out\": " + std::to_string(files.left_out) +
                     ",\n\"swapped\": " + std::to_string(swapped()) + ",\n\"metrics\": {";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const score_column c = summary(*this, i);
    text += (i > 0 ? ",\n  " : "\n  ") + json_text(columns[i].name) + ": {\"order\": \"" +
            (columns[i].permuted ? "best" : "given") + "\", \"unit\": " + json_quoted(columns[i].choice.metric->unit) +
            ", \"mean\": " + number(c.mean(), "null") + ", \"median\": " + number(c.median(), "null") +
            ", \"files_measured\": " + std::to_string(c.measured()) +
            ", \"sources_left_out\": " + std::to_string(c.left_out()) + "}";
  }
  text += "\n},\n\"items\": [";
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const prediction_scores& f = scores[i];
    text += (i > 0 ? ",\n  " : "\n  ") + std::string("{\"name\": ") + json_text(files.items[i].name) +
            ", \"seconds\": " + number(f.seconds, "null") + ", \"order\": [" + order_text(f.order, ", ") +
            "], \"swapped\": " + (f.swapped() ? "true" : "false") + ", \"metrics\": {" + json_of_columns(*this, f) +
            "}, \"not_measured\": " + json_text(notes(columns, f)) + "}";
  }
  return text + "\n]\n}\n";
}

}  // namespace avss::tools
