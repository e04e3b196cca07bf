#include <gtest/gtest.h>

#include <avss/io/csv.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using testing::error_of;
using testing::says;
using rows = std::vector<std::vector<std::string>>;

TEST(csv, reads_what_rfc_4180_says) {
  const csv_table t = parse_csv("name,a b\r\nx,1\r\n\"y, \"\"z\"\"\",\"two\nlines\"\r\n\r\n,\n", "f.csv");
  EXPECT_EQ(t.header, (std::vector<std::string>{"name", "a b"}));
  EXPECT_EQ(t.rows, (rows{{"x", "1"}, {"y, \"z\"", "two\nlines"}, {"", ""}}));
  EXPECT_EQ(t.lines, (std::vector<std::size_t>{2, 3, 6}));
  EXPECT_EQ(parse_csv("\xef\xbb\xbfname\nx", "f").header.front(), "name");
  EXPECT_EQ(parse_csv("a,b\n1,", "f").rows, (rows{{"1", ""}}));
  EXPECT_EQ(parse_csv("a,b\n\"\",2", "f").rows, (rows{{"", "2"}}));
}

TEST(csv, reads_what_it_writes) {
  for (const std::string field : {"", "plain", "a,b", "\"", "\"\"", "\r\n", "x\n\"y\",z", " spaces "}) {
    const csv_table t = parse_csv("h,i\n" + csv_quoted(field) + ",end\n", "f");
    EXPECT_EQ(t.rows, (rows{{field, "end"}}));
  }
}

TEST(csv, refuses_with_the_line) {
  const auto refusal = [](const char* text) { return error_of([&] { parse_csv(text, "f.csv"); }); };
  EXPECT_TRUE(says(refusal(""), "f.csv: is empty"));
  EXPECT_TRUE(says(refusal("\r\n\n"), "f.csv: is empty"));
  EXPECT_TRUE(says(refusal("a,b\n1,2\n3\n"), "f.csv:3: has 1 fields where the header has 2"));
  EXPECT_TRUE(says(refusal("a,b\n1,2,3\n"), "f.csv:2: has 3 fields"));
  EXPECT_TRUE(says(refusal("a,b\n\"1\n2,3\n"), "a quote that is not closed"));
  EXPECT_TRUE(says(refusal("a\n\"1\"2\n"), "f.csv:2: text after a closing quote"));
}

}  // namespace
}  // namespace avss
