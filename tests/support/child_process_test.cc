#include "tests/support/child_process.hpp"

#include <gtest/gtest.h>

#include "tests/support/audio_fixture.hpp"

namespace avss::testing {
namespace {

namespace fs = std::filesystem;

class child : public in_folder {
 protected:
  std::vector<std::string> shell(const std::string& command) const { return {"/bin/sh", "-c", command}; }
  fs::path out() const { return folder / "out"; }
  fs::path err() const { return folder / "err"; }
};

TEST_F(child, keeps_the_status_that_it_ended_with) {
  child_process c(shell("echo said; echo moaned >&2; exit 7"), out(), err());
  EXPECT_FALSE(c.runs_until([] { return false; }));
  EXPECT_FALSE(c.running());
  c.signal(SIGKILL);  // too late
  EXPECT_EQ(c.wait(), 7);
  EXPECT_EQ(c.wait(), 7);
  EXPECT_EQ(bytes_of_file(out()), "said\n");
  EXPECT_EQ(bytes_of_file(err()), "moaned\n");
}

TEST_F(child, is_seen_while_it_runs_and_interrupted) {
  child_process c(shell("echo here; exec sleep 100"), out(), err());
  EXPECT_TRUE(c.runs_until([&] { return bytes_of_file(out()) == "here\n"; }));
  EXPECT_TRUE(c.running());
  c.signal(SIGTERM);
  EXPECT_EQ(c.wait(), 128 + SIGTERM);
}

TEST_F(child, can_be_interrupted_where_interrupts_are_ignored) {
  const auto before = ::signal(SIGINT, SIG_IGN);
  child_process c(shell("echo here; exec sleep 100"), out(), err());
  ::signal(SIGINT, before);
  EXPECT_TRUE(c.runs_until([&] { return bytes_of_file(out()) == "here\n"; }));
  c.signal(SIGINT);
  EXPECT_EQ(c.wait(), 128 + SIGINT);
}

TEST_F(child, says_that_there_is_no_such_program) { EXPECT_EQ(child_process({"./no-such-program"}, out(), err()).wait(), 127); }

}  // namespace
}  // namespace avss::testing
