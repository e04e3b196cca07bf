// The bar on terminals of any width, and nothing of it elsewhere.
#include <gtest/gtest.h>

#include <avss/train/progress.hpp>
#include <chrono>
#include <sstream>
#include <string>
#include <thread>

namespace avss {
namespace {

TEST(progress, a_line_never_reaches_the_last_column) {
  const std::string bar = bar_text(12, 24), text = "epoch 1/2  step 5/40";
  EXPECT_EQ(bar.size(), 26u);
  EXPECT_EQ(redrawn(bar, text, 0), "\r" + bar + " " + text + "\033[K");
  EXPECT_EQ(redrawn(bar, text, 48), "\r" + bar + " " + text + "\033[K");  // 47 characters
  EXPECT_EQ(redrawn(bar, text, 47), "\r" + text + "\033[K");
  EXPECT_EQ(redrawn(bar, text, 21), "\r" + text + "\033[K");
  EXPECT_EQ(redrawn(bar, text, 20), "\repoch 1/2  step 5/4\033[K");
  EXPECT_EQ(redrawn(bar, text, 1), "\r\033[K");
}

TEST(progress, whole_lines_where_there_is_no_terminal) {
  for (const bool terminal : {false, true}) {
    std::ostringstream out;
    progress p(out, terminal);
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    const progress::point point{1, 2, 5, 40, 1.5, 1e-3, 0, 75};
    p.step(2, point);
    EXPECT_EQ(out.str().empty(), !terminal);
    EXPECT_GT(p.log(point).items, 0);
    EXPECT_EQ(out.str().find_first_of("\r\033") != std::string::npos, terminal) << out.str();
    EXPECT_EQ(out.str().back(), '\n');
    EXPECT_NE(out.str().find("epoch 1/2  step 5/40  loss 1.5000  lr 0.001"), std::string::npos) << out.str();
  }
}

TEST(progress, tells_how_long_it_waited_for_data) {
  std::ostringstream out;
  progress p(out, false);
  const progress::point point{1, 2, 5, 40, 1.5, 1e-3, 0, 75};
  p.wait([] { std::this_thread::sleep_for(std::chrono::milliseconds(60)); });
  p.step(2, point);
  const double share = p.log(point).waiting;
  EXPECT_GT(share, 0.1);
  EXPECT_LE(share, 1);
  EXPECT_NE(out.str().find("% waiting for data\n"), std::string::npos) << out.str();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  p.step(2, point);
  EXPECT_EQ(p.log(point).waiting, 0);
  EXPECT_EQ(out.str().find("waiting"), out.str().rfind("waiting"));
}

}  // namespace
}  // namespace avss
