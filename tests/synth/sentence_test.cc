#include <gtest/gtest.h>

#include <algorithm>
#include <avss/synth/sentence.hpp>
#include <set>
#include <string>

namespace avss {
namespace {

TEST(sentence, has_enough_words_and_is_the_same_again) {
  std::set<std::string> different;
  for (std::size_t n = 0; n < 50; ++n) {
    const std::string text = make_sentence(random_stream(1, n), n);
    EXPECT_GE(n == 0 ? 0 : std::count(text.begin(), text.end(), ' ') + 1, static_cast<std::ptrdiff_t>(n)) << text;
    EXPECT_LE(std::count(text.begin(), text.end(), ' '), static_cast<std::ptrdiff_t>(n + 20)) << text;
    EXPECT_EQ(text, make_sentence(random_stream(1, n), n));
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == ' ' || c == '\''; }))
        << text;
    EXPECT_EQ(text.find("  "), std::string::npos) << text;
    different.insert(text);
  }
  EXPECT_EQ(different.size(), 50u);
}

}  // namespace
}  // namespace avss
