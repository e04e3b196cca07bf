// SHA-256 against the vectors of its standard.
#include <gtest/gtest.h>

#include <avss/io/sha256.hpp>
#include <string>

namespace avss {
namespace {

std::string sum_of(const std::string& text) { return sha256().add(as_bytes_of(text)).hex(); }

TEST(sha256, known_answers) {
  // FIPS 180-2, appendix B, and the empty message.
  EXPECT_EQ(sum_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sum_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sum_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sum_of(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256, pieces_make_no_difference) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (std::size_t n = 0; n <= text.size(); ++n)
    EXPECT_EQ(sha256().add(as_bytes_of(text.substr(0, n))).add(as_bytes_of(text.substr(n))).hex(), sum_of(text)) << n;
}

}  // namespace
}  // namespace avss
