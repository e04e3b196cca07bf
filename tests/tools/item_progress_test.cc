#include "tools/item_progress.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <thread>
#include <vector>

namespace avss::tools {
namespace {

void step_late(item_progress& p) {
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  p.step();
}

TEST(item_progress, redraws_a_bar_on_a_terminal_and_takes_it_away) {
  std::ostringstream out;
  {
    item_progress p(out, true, 4);
    step_late(p);
    EXPECT_TRUE(out.str().starts_with("\r[######------------------] 1/4 files  ")) << out.str();
    EXPECT_EQ(out.str().find('\n'), std::string::npos);
    const std::size_t drawn = out.str().size();
    p.step();  // too soon
    EXPECT_EQ(out.str().size(), drawn);
  }
  EXPECT_TRUE(out.str().ends_with("\r\033[K"));
}

TEST(item_progress, is_quiet_in_a_pipe_for_ten_seconds) {
  std::ostringstream out;
  {
    item_progress p(out, false, 4);
    step_late(p);
  }
  EXPECT_EQ(out.str(), "");
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
