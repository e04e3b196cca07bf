// Tools as their users run them: processes, with their output and the files that they leave.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss::testing {

struct outcome {
  int status;
  std::string out, err;
};

class tool_in_folder : public in_folder {
 protected:
  // `before` goes in front of the command: variables, ulimit.
  outcome run_tool(const std::string& tool, const std::string& arguments, const std::string& before = "") const {
    const std::string command = before + " ./tools/" + tool + " " + arguments + " >" + (folder / "stdout").string() + " 2>" +
                                (folder / "stderr").string();
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), bytes_of_file(folder / "stdout"),
            bytes_of_file(folder / "stderr")};
  }

  // Relative to `where`, sorted; hidden ones, too.
  static std::vector<std::string> files_in(const std::filesystem::path& where) {
    std::vector<std::string> files;
    if (std::filesystem::exists(where))
      for (const auto& e : std::filesystem::recursive_directory_iterator(where))
        if (e.is_regular_file()) files.push_back(std::filesystem::relative(e.path(), where).string());
    std::sort(files.begin(), files.end());
    return files;
  }
};

}  // namespace avss::testing
