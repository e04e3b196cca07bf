// The record of a training run's metrics: metrics.jsonl and metrics.csv.
#pragma once

#include <algorithm>
#include <avss/io/atomic_file.hpp>
#include <avss/io/bytes.hpp>
#include <avss/train/trainable.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace avss {

// One row for every log point, with the same columns in both files.
class metrics_log {
 public:
  // Rows of steps after `kept_steps` are taken out: a resumed run makes these steps, and rows, again.
  metrics_log(const std::filesystem::path& folder, std::vector<std::string> columns, std::int64_t kept_steps)
      : json_((folder / "metrics.jsonl").string()), csv_((folder / "metrics.csv").string()), columns_(std::move(columns)) {
    keep(json_, kept_steps, 9);  // {"step": 12
    keep(csv_, kept_steps, 0);
    std::error_code code;
    if (std::filesystem::exists(csv_, code))
      take_columns();
    else
      write_file_atomically(csv_, as_bytes_of(header_of(columns_)));
  }

  // Values of columns that are not given stay empty; a value that is not finite is null in JSON.
  void write(std::int64_t step, std::int64_t epoch, std::string_view partition, const std::vector<named_value>& values) {
    const std::string s = std::to_string(step), e = std::to_string(epoch), p(partition);
    std::string json = "{\"step\": " + s + ", \"epoch\": " + e + ", \"partition\": \"" + p + "\"", csv = s + "," + e + "," + p;
    for (const std::string& c : columns_) {
      csv += ",";
      for (const named_value& v : values)
        if (v.name == c) {
          const std::string text = number(v.value);
          json += ", \"" + c + "\": " + (std::isfinite(v.value) ? text : "null");
          csv += text;
        }
    }
    append(json_, json + "}\n");
    append(csv_, csv + "\n");
  }

 private:
  static std::string number(double v) {
    char text[64];
    return {text, std::to_chars(text, text + sizeof text, v).ptr};
  }

  static constexpr std::string_view first_columns = "step,epoch,partition";
  static std::string header_of(const std::vector<std::string>& columns) {
    std::string header(first_columns);
    for (const std::string& c : columns) header += "," + c;
    return header + "\n";
  }

  // The file's own columns in its order, and behind them those that are new, of which its rows so far have no values.
  void take_columns() {
    std::ifstream file(csv_, std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(file), {}};
    const std::string head = all.substr(0, all.find('\n'));
    if (!head.starts_with(first_columns)) return;
    std::vector<std::string> columns;
    for (std::size_t at = first_columns.size(), end; at < head.size(); at = end) {
      end = std::min(head.find(',', at + 1), head.size());
      columns.push_back(head.substr(at + 1, end - at - 1));
    }
    const std::size_t before = columns.size();
    for (const std::string& c : columns_)
      if (std::find(columns.begin(), columns.end(), c) == columns.end()) columns.push_back(c);
    columns_ = columns;
    if (columns.size() == before) return;
    std::string rows = header_of(columns);
    const std::string empty(columns.size() - before, ',');
    for (std::size_t at = head.size() + 1, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1)
      rows += all.substr(at, end - at) + empty + "\n";
    write_file_atomically(csv_, as_bytes_of(rows));
  }

  static void append(const std::string& path, const std::string& line) {
    errno = 0;
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file << line << std::flush;
    if (!file) detail::fail_to_write(path, "writing", errno);
  }

  // Lines whose number at `column` is at most `steps`, and headers; a torn last line goes.
  static void keep(const std::string& path, std::int64_t steps, std::size_t column) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return;
    const std::string all{std::istreambuf_iterator<char>(file), {}};
    std::string kept;
    for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string_view line = std::string_view(all).substr(at, end + 1 - at);
      std::int64_t step = 0;
      if (line.size() > column) std::from_chars(line.data() + column, line.data() + line.size(), step);
      if (step <= steps) kept += line;
    }
    if (kept != all) write_file_atomically(path, as_bytes_of(kept));
  }

  std::string json_, csv_;
  std::vector<std::string> columns_;
};

}  // namespace avss
