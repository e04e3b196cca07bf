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

  // Relative to `where`, sorted; hidden ones, too. A tool may be at work there: what vanishes while it is listed is left out.
  static std::vector<std::string> files_in(const std::filesystem::path& where) {
    std::vector<std::string> files;
    list_files(where, "", files);
    std::sort(files.begin(), files.end());
    return files;
  }

 private:
  static void list_files(const std::filesystem::path& where, const std::filesystem::path& name,
                         std::vector<std::string>& files) {
    std::error_code gone;
    for (std::filesystem::directory_iterator e(where, gone), end; !gone && e != end; e.increment(gone)) {
      std::error_code ignored;
      const std::filesystem::path inside = name / e->path().filename();
      if (e->is_directory(ignored) && !e->is_symlink(ignored))
        list_files(e->path(), inside, files);
      else if (e->is_regular_file(ignored))
        files.push_back(inside.string());
    }
  }
};

}  // namespace avss::testing
