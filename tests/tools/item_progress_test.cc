#include "tools/item_progress.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace avss::tools {
namespace {

// Time stands still between steps.
struct steps_in_time {
  item_progress::clock::time_point now{};
  std::ostringstream out;

  item_progress progress(bool terminal) {
    return item_progress(out, terminal, 4, "files", [this] { return now; });
  }
  void step(item_progress& p, int milliseconds) {
    now += std::chrono::milliseconds(milliseconds);
    p.step();
  }
};

TEST(item_progress, redraws_a_bar_on_a_terminal_and_takes_it_away) {
  steps_in_time t;
  {
    item_progress p = t.progress(true);
    t.step(p, 250);
    const std::string first = t.out.str();
    EXPECT_EQ(first, "\r[######------------------] 1/4 files  4.0 files/s  0:00:01 left\033[K");
    t.step(p, 190);  // too soon
    EXPECT_EQ(t.out.str(), first);
    t.step(p, 10);
    EXPECT_TRUE(t.out.str().starts_with(first + "\r[##################------] 3/4 files  ")) << t.out.str();
    EXPECT_EQ(t.out.str().find('\n'), std::string::npos);
  }
  EXPECT_TRUE(t.out.str().ends_with("\r\033[K"));
}

TEST(item_progress, is_quiet_in_a_pipe_for_ten_seconds) {
  steps_in_time t;
  {
    item_progress p = t.progress(false);
    t.step(p, 9990);
    EXPECT_EQ(t.out.str(), "");
    t.step(p, 10);
    EXPECT_EQ(t.out.str(), "2/4 files  0.2 files/s  0:00:10 left\n");
    t.step(p, 9990);
  }
  EXPECT_EQ(t.out.str(), "2/4 files  0.2 files/s  0:00:10 left\n");
}

TEST(item_progress, counts_the_items_of_all_threads) {
  std::ostringstream out;
  item_progress p(out, true, 2000);
  std::vector<std::thread> pool;
  for (int t = 0; t < 4; ++t)
    pool.emplace_back([&] {
      for (int i = 0; i < 500; ++i) p.step();
    });
  for (std::thread& t : pool) t.join();
  EXPECT_EQ(p.done(), 2000u);
}

}  // namespace
}  // namespace avss::tools
