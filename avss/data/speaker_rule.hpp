// Who speaks in a file, read from where the file lies.
#pragma once

#include <avss/core/error.hpp>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace avss {

// One of
//   stem:SEPARATOR:N   part N, from 0, of the file's name without extension: stem:-:0 of 103-1240-0000.flac is 103
//   folder:N           folder N, from 0, on the way down to the file: folder:0 of <root>/103/1240/0000.flac is 103
//   parent             the folder that holds the file
class speaker_rule {
 public:
  // Throws error for a text that is none of these.
  explicit speaker_rule(std::string text = "parent") : text_(std::move(text)) {
    const std::string_view all = text_;
    if (all == "parent") return;
    const std::size_t last = all.rfind(':');
    if (all.starts_with("folder:") && parse(all.substr(7))) {
      kind_ = kind::folder;
    } else if (all.starts_with("stem:") && last > 5 && parse(all.substr(last + 1))) {
      kind_ = kind::stem;
      separator_ = all.substr(5, last - 5);
    } else {
      fail("speaker rule \"", text_, "\" is none of stem:SEPARATOR:N, folder:N and parent; for example stem:-:0");
    }
  }

  const std::string& text() const { return text_; }

  // The speaker of a file somewhere below `root`. Throws error if there is no such part.
  std::string operator()(const std::filesystem::path& root, const std::filesystem::path& file) const {
    std::string name;
    if (kind_ == kind::parent) {
      name = std::filesystem::absolute(file).lexically_normal().parent_path().filename().string();
    } else if (kind_ == kind::folder) {
      const std::filesystem::path below = file.lexically_relative(root);
      const std::size_t folders = static_cast<std::size_t>(std::distance(below.begin(), below.end())) - 1;
      if (index_ < folders) name = std::next(below.begin(), static_cast<std::ptrdiff_t>(index_))->string();
    } else {
      name = stem_part(file.stem().string());
    }
    if (name.empty()) fail(file.string(), ": the speaker rule ", text_, " finds no speaker in its ", whereabouts());
    return name;
  }

 private:
  enum class kind { parent, folder, stem };

  bool parse(std::string_view number) {
    const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), index_);
    return code == std::errc() && end == number.data() + number.size();
  }

  std::string stem_part(const std::string& stem) const {
    std::size_t from = 0;
    for (std::size_t i = 0; i < index_; ++i) {
      const std::size_t found = stem.find(separator_, from);
      if (found == std::string::npos) return {};
      from = found + separator_.size();
    }
    return stem.substr(from, stem.find(separator_, from) - from);
  }

  const char* whereabouts() const { return kind_ == kind::stem ? "name" : "folders"; }

  std::string text_, separator_;
  kind kind_ = kind::parent;
  std::size_t index_ = 0;
};

}  // namespace avss
