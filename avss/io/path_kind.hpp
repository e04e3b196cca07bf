// What is at a path: nothing, a file, a folder, or what the system refuses to say.
#pragma once

#include <avss/core/error.hpp>
#include <filesystem>
#include <system_error>

namespace avss {

// Throws error with the system's own words where it cannot be known: a folder on the way may not be entered, a link leads
// to itself. That there is nothing is no error.
inline std::filesystem::file_type path_kind(const std::filesystem::path& path) {
  std::error_code code;
  const std::filesystem::file_type kind = std::filesystem::status(path, code).type();
  if (code && kind != std::filesystem::file_type::not_found)
    fail(path.string(), ": cannot be opened: ", code.message(), "; check the path and its permissions");
  return kind;
}

inline bool is_folder(const std::filesystem::path& path) { return path_kind(path) == std::filesystem::file_type::directory; }

}  // namespace avss
