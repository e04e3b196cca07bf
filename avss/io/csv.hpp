// Tables of comma-separated values (RFC 4180): what spreadsheets and scripts write.
#pragma once

#include <avss/core/error.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

struct csv_table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header
  std::vector<std::size_t> lines;              // where each row begins in the file, from 1
};

// A field as it must be written. What looks like a byte order mark must not stand at the beginning of a file.
inline std::string csv_quoted(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos && !text.starts_with("\xef\xbb\xbf")) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

namespace detail {

class csv_reader {
 public:
  csv_reader(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // spreadsheets put it there
  }

  // The fields of the next row that is not an empty line; none at the end.
  std::vector<std::string> row() {
    while (at_ < text_.size() && (text_[at_] == '\r' || text_[at_] == '\n')) advance();
    std::vector<std::string> fields;
    began_ = line_;
    if (at_ >= text_.size()) return fields;
    for (;;) {
      fields.push_back(peek() == '"' ? quoted() : plain());
      if (peek() != ',' || at_ >= text_.size()) break;
      advance();
    }
    if (at_ < text_.size() && peek() != '\r' && peek() != '\n') bad("text after a closing quote");
    return fields;
  }
  std::size_t began() const { return began_; }

  [[noreturn]] void bad(const char* why) const { fail(origin_, ":", line_, ": ", why, "; expected comma-separated values"); }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void advance() { line_ += text_[at_++] == '\n'; }

  std::string plain() {
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\r' && text_[at_] != '\n') ++at_;
    return std::string(text_.substr(from, at_ - from));
  }
  std::string quoted() {
    std::string field;
    for (advance(); at_ < text_.size(); advance()) {
      if (text_[at_] != '"') {
        field += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += '"', ++at_;
      } else {
        ++at_;
        return field;
      }
    }
    bad("a quote that is not closed");
  }

  std::string_view text_;
  const std::string& origin_;
  std::size_t at_ = 0, line_ = 1, began_ = 1;
};

}  // namespace detail

// The first row is the header. Empty lines are skipped. Throws error, "ORIGIN:LINE: ...", for a row of another number of fields
// than the header has, an unclosed quote, and a text without a header.
inline csv_table parse_csv(std::string_view text, const std::string& origin) {
  detail::csv_reader reader(text, origin);
  csv_table table;
  table.header = reader.row();
  if (table.header.empty()) fail(origin, ": is empty; expected a line with the names of the columns");
  for (std::vector<std::string> fields; !(fields = reader.row()).empty();) {
    if (fields.size() != table.header.size())
      fail(origin, ":", reader.began(), ": has ", fields.size(), " fields where the header has ", table.header.size());
    table.rows.push_back(std::move(fields));
    table.lines.push_back(reader.began());
  }
  return table;
}

}  // namespace avss
