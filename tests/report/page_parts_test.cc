#include <gtest/gtest.h>

#include <avss/io/audio.hpp>
#include <avss/report/html.hpp>
#include <avss/report/wav_bytes.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

TEST(html, escapes_what_would_be_markup) {
  // Names of files may be any bytes; a page is UTF-8.
  for (const char* odd : {"\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5"})
    EXPECT_TRUE(escape_html(std::string("a") + odd + "b").starts_with("a\xef\xbf\xbd")) << odd;
  EXPECT_EQ(escape_html("\xe2\x82\xac\xf0\x9f\x98\x80"), "\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(escape_html("<b a=\"1\" c='2'>&\n\x7f\xc3\xa4"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;  \xc3\xa4");
}

// RFC 4648, section 10, and bytes beyond ASCII.
TEST(html, base64_is_the_standards) {
  const std::pair<std::string, const char*> known[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {std::string("\x00\xff\xfe\x80", 4), "AP/+gA=="},
  };
  for (const auto& [bytes, text] : known) EXPECT_EQ(base64(bytes), text);
  EXPECT_EQ(data_uri("image/png", "foo"), "data:image/png;base64,Zm9v");
}

class wav : public in_folder {};

TEST_F(wav, reads_back_in_16_bits) {
  const auto x = noise(1001, 1, 0.9);
  write_bytes(folder / "x.wav", wav_bytes(x, 8000));
  const audio_signal y = read_audio(folder / "x.wav");
  EXPECT_EQ(y.info.rate, 8000);
  EXPECT_EQ(y.info.channels, 1);
  ASSERT_EQ(y.samples.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y.samples[i], x[i], 0.51 / 32768);
  write_bytes(folder / "y.wav", wav_bytes(std::vector<float>{2.f, -2.f, std::numeric_limits<float>::quiet_NaN()}, 16000));
  EXPECT_EQ(read_audio(folder / "y.wav").samples, (std::vector<float>{32767 / 32768.f, -1.f, 0.f}));
}

}  // namespace
}  // namespace avss
