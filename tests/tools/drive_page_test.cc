// The page that Google Drive puts before large files.
#include "tools/drive_page.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/audio_fixture.hpp"

namespace avss::tools {
namespace {

using testing::error_of;
using testing::says;

const std::string asked = "https://drive.google.com/uc?export=download&id=abc";

TEST(drive_page, the_form_of_today) {
  const std::string page =
      "<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body><form id=\"download-form\" "
      "action=\"https://drive.usercontent.google.com/download\" method=\"get\"><input type=\"submit\" id=\"uc-download-link\" "
      "value=\"Download anyway\"/><input type=\"hidden\" name=\"id\" value=\"abc\"><input type=\"hidden\" name=\"export\" "
      "value=\"download\"><input type=\"hidden\" name=\"confirm\" value=\"t\"><input type=\"hidden\" name=\"uuid\" "
      "value=\"12&amp;3 4\"></form></body></html>";
  EXPECT_EQ(confirmed_address(page, asked),
            "https://drive.usercontent.google.com/download?id=abc&export=download&confirm=t&uuid=12%263%204");
  EXPECT_EQ(title_of(page), "Google Drive - Virus scan warning");
}

TEST(drive_page, the_link_of_older_pages) {
  EXPECT_EQ(
      confirmed_address(
          "<a id='x' href='/help'>?</a> <a class=\"jfk\" href=\"/uc?export=download&amp;confirm=Zx1&amp;id=abc\">", asked),
      "https://drive.google.com/uc?export=download&confirm=Zx1&id=abc");
}

TEST(drive_page, leads_to_no_other_server) {
  const auto to = [](const std::string& address) {
    return error_of([&] { confirmed_address("<form id=\"download-form\" action=\"" + address + "\"></form>", asked); });
  };
  for (const char* bad :
       {"https://example.org/download", "http://drive.google.com/download", "https://notgoogle.com/",
        "https://drive.google.com@example.org/x", "//example.org/x", "file:///etc/passwd", "https://example.org/.google.com",
        "https://example.org#.google.com/x", "https://example.org\\.google.com/x"})
    EXPECT_TRUE(says(to(bad), "none of Google's servers", "nothing was stored")) << bad;
  EXPECT_EQ(to("https://drive.google.com/download"), "");
}

TEST(drive_page, says_what_is_wrong) {
  const auto error = [](const std::string& page) { return error_of([&] { confirmed_address(page, asked); }); };
  EXPECT_TRUE(says(error("<title>Google Drive - Quota exceeded</title>"), "too many", "tomorrow"));
  EXPECT_TRUE(says(error("<a href=\"https://accounts.google.com/ServiceLogin\">Sign in</a>"), "sign in"));
  EXPECT_TRUE(says(error("<title>Hello\n&amp; welcome</title>"), "Hello", "& welcome", "without a button"));
  EXPECT_TRUE(says(error(""), "without a button"));
  EXPECT_TRUE(says(error("<form id=\"download-form\" action=\"unclosed"), "without a button"));
}

TEST(drive_page, percent_codes) {
  EXPECT_EQ(percent_encoded("a-b_c.d~ /&\xc3\xa4"), "a-b_c.d~%20%2F%26%C3%A4");
  EXPECT_EQ(percent_decoded("B%26O_BM2.wav"), "B&O_BM2.wav");
  EXPECT_EQ(percent_decoded("100%, %4, %zz, %2f"), "100%, %4, %zz, /");
}

}  // namespace
}  // namespace avss::tools
