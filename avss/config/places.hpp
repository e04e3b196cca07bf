// Where files lie: paths as the user meant them, and what comes with the program.
#pragma once

#include <avss/config/suggest.hpp>
#include <avss/core/error.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace avss::config {

// A path as the user meant it: relative to the folder where `bazel run` was called, "~/" at home.
inline std::string user_path(const std::string& path) {
  if (path.empty()) return path;
  if (const char* home = std::getenv("HOME"); home && (path == "~" || path.starts_with("~/"))) return home + path.substr(1);
  const char* base = std::getenv("BUILD_WORKING_DIRECTORY");
  if (!base || std::filesystem::path(path).is_absolute()) return path;
  return (std::filesystem::path(base) / path).lexically_normal().string();
}

// Where a file or folder of this project that comes with the program may lie, in the order of the search: `inside` the
// runfiles of a build by bazel ("tools/configs"), or `installed` in ../share/avss of an installation.
inline std::vector<std::string> own_places(const std::string& argv0, const std::string& inside, const std::string& installed) {
  std::vector<std::string> places;
  const std::string below = "/avss/" + inside;
  for (const char* variable : {"RUNFILES_DIR", "TEST_SRCDIR"})
    if (const char* folder = std::getenv(variable)) places.push_back(folder + below);
  if (!argv0.empty()) places.push_back(argv0 + ".runfiles" + below);
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) {
    places.push_back(program.string() + ".runfiles" + below);
    places.push_back((program.parent_path().parent_path() / "share/avss" / installed).string());
  }
  return places;
}

// The folder of configurations that comes with the program.
inline std::string own_configs(const std::string& argv0) {
  const std::vector<std::string> places = own_places(argv0, "tools/configs", "configs");
  std::error_code ignored;
  for (const std::string& p : places)
    if (std::filesystem::is_directory(p, ignored)) return p;
  fail("the tool's own configurations were not found; give their folder with -cp DIR; searched in ", listed(places));
}

}  // namespace avss::config
