#include "tools/score_files.hpp"

#include <avss/core/error.hpp>
#include <avss/data/mixture_layout.hpp>
#include <avss/io/csv.hpp>
#include <avss/io/strict_json.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tools/score_table.hpp"

namespace avss::tools {
namespace {

// All digits; `missing` for what is no number.
std::string number(double v, const char* missing) {
  if (!std::isfinite(v)) return missing;
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, v).ptr};
}
std::string number(const ratio& r, const char* missing) {
  return r.status == ratio_status::measured ? number(r.value, missing) : missing;
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
  if (!f.scored()) return "all: " + f.refused;
  std::string text;
  for (std::size_t c = 0; c < columns.size(); ++c)
    for (std::size_t s = 0; s < f.columns[c].size(); ++s)
      if (const ratio& r = f.columns[c][s]; r.status != ratio_status::measured)
        text += (text.empty() ? "" : "; ") + columns[c].name + " " + source_folder_name(s + 1) + ": " + name_of(r.status);
  return text;
}

// A JSON object or array of several lines, whose parts are given one after another.
class json_list {
 public:
  explicit json_list(char open, const char* before = "\n  ") : text_(1, open), before_(before) {}
  void add(const std::string& part) { text_ += (text_.size() > 1 ? "," : "") + std::string(before_) + part; }
  std::string closed() const {
    const bool lines = before_[0] == '\n' && text_.size() > 1;
    return text_ + (lines ? "\n" : "") + (text_[0] == '{' ? '}' : ']');
  }

 private:
  std::string text_;
  const char* before_;
};

std::string json_of(const value_summary& s) {
  const auto n = [](double v) { return number(v, "null"); };
  return "\"mean\": " + n(s.mean) + ", \"interval\": [" + n(s.interval.low) + ", " + n(s.interval.high) +
         "], \"median\": " + n(s.median) + ", \"quartiles\": [" + n(s.first_quartile) + ", " + n(s.third_quartile) +
         "], \"least\": " + n(s.least) + ", \"most\": " + n(s.most);
}

std::string json_of_metrics(const score_report& r) {
  json_list list('{');
  for (std::size_t i = 0; i < r.columns.size(); ++i) {
    const value_summary& s = r.statistics.columns[i];
    list.add(json_text(r.columns[i].name) + ": {\"order\": \"" + (r.columns[i].permuted ? "best" : "given") +
             "\", \"unit\": " + json_quoted(r.columns[i].choice.metric->unit) + ", " + json_of(s) + ", \"files_measured\": " +
             std::to_string(s.count) + ", \"sources_left_out\": " + std::to_string(left_out_of(r.scores, i).count) + "}");
  }
  return list.closed();
}

std::string json_of_groups(const score_report& r) {
  json_list list('[');
  for (const grouped_scores& by : r.statistics.groups) {
    json_list groups('[');
    for (const score_group& g : by.groups) {
      json_list metrics('{', " ");
      for (std::size_t c = 0; c < r.columns.size(); ++c)
        metrics.add(json_text(r.columns[c].name) + ": {" + json_of(g.columns[c]) + "}");
      groups.add("{\"name\": " + json_text(g.name) + ", \"files\": " + std::to_string(g.files) +
                 ", \"metrics\": " + metrics.closed() + "}");
    }
    list.add("{\"by\": " + json_text(by.title) + ", \"files_without\": " + std::to_string(by.ungrouped) +
             ", \"groups\": " + groups.closed() + "}");
  }
  return list.closed();
}

std::string json_of_comparison(const score_report& r) {
  if (!r.statistics.comparison) return "null";
  const score_comparison& c = *r.statistics.comparison;
  json_list list('{');
  for (std::size_t i = 0; i < r.columns.size(); ++i) {
    const paired_summary& s = c.columns[i];
    list.add(json_text(r.columns[i].name) + ": {\"here\": " + number(s.first, "null") +
             ", \"there\": " + number(s.second, "null") + ", \"difference\": {" + json_of(s.difference) +
             "}, \"files\": " + std::to_string(s.difference.count) + ", \"better\": " + std::to_string(s.better) +
             ", \"worse\": " + std::to_string(s.worse) + ", \"equal\": " + std::to_string(s.equal) +
             ", \"sources_measured_in_one\": " + std::to_string(c.one_sided[i]) + "}");
  }
  return "{\"predictions\": " + json_text(c.predictions.string()) + ", \"metrics\": " + list.closed() + "}";
}

std::string json_of_columns(const score_report& r, const prediction_scores& f) {
  json_list list('{', " ");
  for (std::size_t c = 0; c < f.columns.size(); ++c) {
    json_list sources('[', " ");
    for (const ratio& v : f.columns[c]) sources.add(number(v, "null"));
    list.add(json_text(r.columns[c].name) + ": {\"mean\": " + number(mixture_score(f.columns[c]).value, "null") +
             ", \"sources\": " + sources.closed() + "}");
  }
  return list.closed();
}

std::string json_of_items(const score_report& r) {
  json_list list('[');
  for (std::size_t i = 0; i < r.scores.size(); ++i) {
    const prediction_scores& f = r.scores[i];
    const std::string begin = "{\"name\": " + json_text(r.files.items[i].name);
    if (!f.scored()) {
      list.add(begin + ", \"metrics\": null, \"not_measured\": " + json_text(notes(r.columns, f)) + "}");
      continue;
    }
    list.add(begin + ", \"seconds\": " + number(f.seconds, "null") + ", \"order\": [" + order_text(f.order, ", ") +
             "], \"swapped\": " + (f.swapped() ? "true" : "false") + ", \"metrics\": " + json_of_columns(r, f) +
             ", \"not_measured\": " + json_text(notes(r.columns, f)) + ", \"clipped\": " + json_text(f.clipped) + "}");
  }
  return list.closed();
}

// A line of a file that was not scored: as many fields as the others, all empty but the reason.
std::string refused_line(const score_report& r, const prediction_scores& f) {
  return std::string(3 + r.columns.size() * (1 + r.files.sources), ',') + "," + csv_quoted(notes(r.columns, f)) + ",\n";
}

}  // namespace

std::string scores_csv(const score_report& r) {
  std::string text(csv_begin);
  for (const metric_column& c : r.columns) text += csv_quoted(c.name) + ",";
  for (const metric_column& c : r.columns)
    for (std::size_t s = 1; s <= r.files.sources; ++s) text += csv_quoted(c.name + "_" + source_folder_name(s)) + ",";
  text += "not_measured,clipped\n";
  for (std::size_t i = 0; i < r.scores.size(); ++i) {
    const prediction_scores& f = r.scores[i];
    text += csv_quoted(r.files.items[i].name);
    if (!f.scored()) {
      text += refused_line(r, f);
      continue;
    }
    text += "," + number(f.seconds, "") + "," + order_text(f.order, " ") + (f.swapped() ? ",1" : ",0");
    for (const auto& column : f.columns) text += "," + number(mixture_score(column).value, "");
    for (const auto& column : f.columns)
      for (const ratio& v : column) text += "," + number(v, "");
    text += "," + csv_quoted(notes(r.columns, f)) + "," + csv_quoted(f.clipped) + "\n";
  }
  return text;
}

std::string scores_json(const score_report& r) {
  const score_statistics& s = r.statistics;
  json_list worst('[', " ");
  for (const std::size_t i : s.worst) worst.add(json_text(r.files.items[i].name));
  json_list left_out('[', " ");
  for (const std::string& name : r.files.left_out) left_out.add(json_text(name));
  const auto count = [](const char* name, std::size_t n) { return ",\n\"" + std::string(name) + "\": " + std::to_string(n); };
  return std::string(json_begin) + json_text(r.files.truth.string()) +
         ",\n\"predictions\": " + json_text(r.files.predictions.string()) + count("files", r.scores.size()) +
         count("sources", r.files.sources) + count("names_left_out", r.files.left_out.size()) +
         ",\n\"left_out\": " + left_out.closed() + count("not_scored", s.refused) + count("swapped", s.swapped) +
         count("clipped", s.clipped) + ",\n\"bootstrap\": {\"level\": " + number(s.bootstrap.level, "null") +
         ", \"resamples\": " + std::to_string(s.bootstrap.resamples) + ", \"seed\": " + std::to_string(s.bootstrap.seed) +
         "},\n\"metrics\": " + json_of_metrics(r) + ",\n\"worst\": " + worst.closed() + ",\n\"groups\": " + json_of_groups(r) +
         ",\n\"comparison\": " + json_of_comparison(r) + ",\n\"items\": " + json_of_items(r) + "\n}\n";
}

std::string differences_csv(const score_report& r) {
  const std::vector<prediction_scores>& others = r.statistics.comparison->scores;
  std::string text(differences_begin);
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    const std::string& name = r.columns[c].name;
    text += (c > 0 ? "," : "") + csv_quoted(name) + "," + csv_quoted(name + "_there") + "," + csv_quoted(name + "_difference");
  }
  text += '\n';
  std::vector<values_in_both> values;
  for (std::size_t c = 0; c < r.columns.size(); ++c) values.push_back(values_of_both(r.scores, others, c));
  for (std::size_t i = 0; i < r.scores.size(); ++i) {
    const auto order = [](const prediction_scores& f) { return f.scored() ? order_text(f.order, " ") : ""; };
    text += csv_quoted(r.files.items[i].name) + "," + order(r.scores[i]) + "," + order(others[i]);
    for (const values_in_both& v : values)
      text += "," + number(v.here[i], "") + "," + number(v.there[i], "") + "," + number(v.here[i] - v.there[i], "");
    text += '\n';
  }
  return text;
}

}  // namespace avss::tools
