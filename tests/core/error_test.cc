#include <gtest/gtest.h>

#include <avss/core/error.hpp>
#include <cstdint>

namespace avss {
namespace {

TEST(error, writes_numbers_as_streams_do) {
  EXPECT_EQ(
      joined("a ", std::string("b"), ' ', 7, ' ', std::uint64_t(-1), ' ', -3L, ' ', 0.5f, ' ', 1e-7, ' ', 1e6, ' ', 44100.),
      "a b 7 18446744073709551615 -3 0.5 1e-07 1e+06 44100");
}

TEST(error, is_one_line_whatever_it_is_made_of) {
  try {
    fail("two\nlines\t", "\x1b[2J", "\x7f", '\0', " \xc3\xa4");
    FAIL();
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "two\\nlines\\t\\x1b[2J\\x7f\\x00 \xc3\xa4");
  }
}

}  // namespace
}  // namespace avss
