#include "tools/score_groups.hpp"

#include <gtest/gtest.h>

#include "tests/support/audio_fixture.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;
using names_t = std::vector<std::string>;
using numbers = std::vector<std::size_t>;
constexpr std::size_t none = score_grouping::none;

TEST(score_groups, by_parts_of_names) {
  const names_t names{"f-10-x", "m-9-y", "f-10", "z"};
  const score_grouping first = group_by_name("stem:-:0", names), second = group_by_name("stem:-:1", names);
  EXPECT_EQ(first.groups, (names_t{"f", "m", "z"}));
  EXPECT_EQ(first.of_file, (numbers{0, 1, 0, 2}));
  EXPECT_EQ(second.groups, (names_t{"9", "10"}));  // as numbers
  EXPECT_EQ(second.of_file, (numbers{1, 0, 1, none}));
  EXPECT_EQ(group_by_name("stem:::1", names_t{"a:b", "c"}).groups, (names_t{"b"}));
}

TEST(score_groups, by_expressions) {
  const names_t names{"103_1240_snr-5", "104_7_snr5", "none"};
  EXPECT_EQ(group_by_name("regex:snr(-?[0-9]+)", names).groups, (names_t{"-5", "5"}));
  EXPECT_EQ(group_by_name("regex:snr(-?[0-9]+)", names).of_file, (numbers{0, 1, none}));
  EXPECT_EQ(group_by_name("regex:^10.", names).groups, (names_t{"103", "104"}));
}

class score_tables : public in_folder {
 protected:
  std::vector<score_grouping> read(const std::string& text, const names_t& names) {
    write_bytes(folder / "t.csv", text);
    return group_by_table(folder / "t.csv", names, unknown);
  }
  std::size_t unknown = 0;
};

TEST_F(score_tables, every_column_is_a_grouping) {
  const auto g = read("sex,name,noise\nf,a.flac,\"street, wet\"\nm,b,\n,c,none\nm,x,none\n", {"a", "b", "c", "d"});
  ASSERT_EQ(g.size(), 2u);
  EXPECT_EQ(g[0].title, "sex");
  EXPECT_EQ(g[0].groups, (names_t{"f", "m"}));
  EXPECT_EQ(g[0].of_file, (numbers{0, 1, none, none}));
  EXPECT_EQ(g[1].groups, (names_t{"none", "street, wet"}));
  EXPECT_EQ(g[1].of_file, (numbers{1, none, 0, none}));
  EXPECT_EQ(unknown, 1u);
}

TEST_F(score_tables, many_numbers_are_cut_at_quartiles) {
  std::string text = "name,snr\n";
  names_t names;
  for (int i = 0; i <= 16; ++i) {
    names.push_back("n" + std::to_string(i));
    text += names.back() + "," + std::to_string(i - 8) + "\n";
  }
  const score_grouping g = read(text, names).at(0);
  EXPECT_EQ(g.groups, (names_t{"-8 to -4", "-4 to 0", "0 to 4", "4 to 8"}));
  EXPECT_EQ(g.of_file, (numbers{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3}));
  EXPECT_EQ(read(text + "word,loud\n", names).at(0).groups.size(), 4u);  // of files that are not scored
  names.push_back("word");
  EXPECT_EQ(read(text + "word,loud\n", names).at(0).groups.size(), 18u);
}

}  // namespace
}  // namespace avss::tools
