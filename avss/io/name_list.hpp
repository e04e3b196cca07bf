// Long lists of names for messages: complete, and still to be read.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/place_index.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace avss {

// A list of quoted names with remarks, such as "'blocks.3.weight' [4, 2]". Entries that differ only in the index of a block
// are written as one: "'blocks.{0-5,7}.weight' [4, 2]". Nothing is left out.
class name_list {
 public:
  void add(const std::string& entry) {
    ++count_;
    const std::string index = first_index(entry);
    const std::string pattern = index.empty() ? entry : without(entry, index);
    const std::size_t place = places_.find(pattern);
    if (place != name_index::none && !index.empty()) {
      groups_[place].indices.push_back(index);
      return;
    }
    places_.add(pattern, groups_.size());
    groups_.push_back({pattern, {}});
    if (!index.empty()) groups_.back().indices.push_back(index);
  }

  // Of entries, not of what is written.
  std::size_t size() const { return count_; }

  std::string text() const {
    std::string all;
    for (const group& g : groups_) {
      all += all.empty() ? "" : ", ";
      const std::string indices = ranges(g.indices);
      for (char c : g.pattern) c == mark ? all += indices : all += c;
    }
    return all;
  }

 private:
  struct group {
    std::string pattern;  // with `mark` where the index stood
    std::vector<std::string> indices;
  };
  static constexpr char mark = '\x01';  // printable() leaves none in a name

  // The digits of the first ".123." of the first name.
  static std::string first_index(std::string_view entry) {
    const std::string_view name = entry.substr(0, entry.find('\'', 1));
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
      const std::size_t end = name.find_first_not_of("0123456789", dot + 1);
      if (end != std::string_view::npos && end > dot + 1 && end < dot + 8 && name[end] == '.')
        return std::string(name.substr(dot + 1, end - dot - 1));
    }
    return "";
  }
  // `mark` in place of the first ".index." of every quoted name.
  static std::string without(std::string text, const std::string& index) {
    const std::string dotted = "." + index + ".";
    for (std::size_t open = text.find('\''); open != std::string::npos;) {
      const std::size_t at = text.find(dotted, open), close = text.find('\'', open + 1);
      if (at < close) text.replace(at + 1, index.size(), 1, mark);
      const std::size_t end = text.find('\'', open + 1);
      open = end == std::string::npos ? end : text.find('\'', end + 1);
    }
    return text;
  }
  // "7"; "{0-5,7}".
  static std::string ranges(const std::vector<std::string>& indices) {
    if (indices.size() < 2) return indices.empty() ? "" : indices[0];
    std::string text = "{";
    for (std::size_t i = 0; i < indices.size();) {
      std::size_t last = i;
      while (last + 1 < indices.size() && std::stol(indices[last + 1]) == std::stol(indices[last]) + 1) ++last;
      text += (i ? "," : "") + indices[i];
      if (last > i) text += (last > i + 1 ? "-" : ",") + indices[last];
      i = last + 1;
    }
    return text + "}";
  }

  name_index places_;
  std::vector<group> groups_;
  std::size_t count_ = 0;
};

}  // namespace avss
