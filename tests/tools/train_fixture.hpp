// //tools:train as a user runs it: a process, its files, its output.
#pragma once

#include <gtest/gtest.h>

#include <avss/train/checkpoint.hpp>
#include <filesystem>
#include <string>
#include <utility>

#include "tests/support/tool_fixture.hpp"

namespace avss::testing {

class train_in_folder : public tool_in_folder {
 protected:
  outcome run(const std::string& arguments, const std::string& before = "", const char* tool = "train") const {
    return run_tool(tool, arguments, before);
  }
  template <class... Parts>
  void expect_refusal(const std::string& arguments, const Parts&... parts) {
    SCOPED_TRACE(arguments);
    const outcome r = run(arguments);
    EXPECT_EQ(r.status, 1);
    ASSERT_FALSE(r.err.empty());
    EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), parts...));
  }
  // What a checkpoint holds, the configuration aside: that names the run.
  std::string content(const std::filesystem::path& path) const {
    checkpoint c = read_checkpoint(path);
    c.config = {};
    write_checkpoint(folder / "content", std::move(c));
    return bytes_of_file(folder / "content");
  }
};

}  // namespace avss::testing
