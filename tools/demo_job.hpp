// Mixing recorded voices, separating them and writing what came out, without the command line around it.
#pragma once

#include <avss/model/separator.hpp>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>

namespace avss::tools {

struct demo_options {
  std::filesystem::path voices;  // see find_voices
  std::filesystem::path out;
  std::string weights;  // the file's name, for the page
  int mixtures = 6;
  double min_seconds = 3, max_seconds = 6;
  std::uint64_t seed = 1;
};

// Throws error, before anything is computed, if `out` is a file or a folder that holds something else than an earlier demo.
void check_demo_folder(const std::filesystem::path& out);

// Prints a table on `out` and writes <out>/index.html and
//   audio/{mix,s1,s2}/<name>.wav   mixtures and truth, a data set of //tools:infer
//   inf/{s1,s2}/<name>.wav         estimates, each under the number of the truth that it fits
//   pictures/<name>_*.png
// All of it appears at once when it is complete. In an earlier demo's folder files of the same names are replaced, and
// nothing is removed. Returns 0, or 130 when stopped by SIGINT or SIGTERM; throws error.
int run_demo(const demo_options& options, separator& network, std::ostream& out, std::ostream& err);

}  // namespace avss::tools
