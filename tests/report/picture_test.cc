// PNG files, read back by libpng, and what spectrograms show.
#include <gtest/gtest.h>
#include <png.h>

#include <avss/report/png.hpp>
#include <avss/report/spectrogram.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

std::vector<rgb> decode(const std::string& bytes, std::size_t& width, std::size_t& height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size())) << image.message;
  image.format = PNG_FORMAT_RGB;
  width = image.width, height = image.height;
  std::vector<rgb> pixels(width * height);
  EXPECT_TRUE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr)) << image.message;
  return pixels;
}

TEST(png, reads_back_pixel_for_pixel) {
  for (const auto& [w, h] : {std::pair<std::size_t, std::size_t>{1, 1}, {256, 3}, {17, 90}, {640, 200}}) {
    indexed_picture picture{w, h, {}};
    lcg random(3);
    for (std::size_t i = 0; i < w * h; ++i) picture.pixels.push_back(static_cast<std::uint8_t>((random() + 1) * 128));
    const std::string bytes = encode_png(picture, colour_map());
    EXPECT_EQ(bytes.substr(0, 8), "\x89PNG\r\n\x1a\n");
    std::size_t width = 0, height = 0;
    const std::vector<rgb> pixels = decode(bytes, width, height);
    ASSERT_EQ(width, w);
    ASSERT_EQ(height, h);
    for (std::size_t i = 0; i < pixels.size(); ++i) ASSERT_EQ(pixels[i], colour_map()[picture.pixels[i]]) << i;
    EXPECT_EQ(encode_png(picture, colour_map()), bytes);
  }
}

TEST(png, refuses_what_is_no_picture) {
  EXPECT_TRUE(says(error_of([] { encode_png({}, colour_map()); }), "0 by 0"));
  EXPECT_TRUE(says(error_of([] { encode_png({2, 3, std::vector<std::uint8_t>(5)}, colour_map()); }), "2 by 3", "5 pixels"));
  EXPECT_TRUE(says(error_of([] { encode_png({70000, 1, std::vector<std::uint8_t>(70000)}, colour_map()); }), "65536"));
}

TEST(spectrogram, shows_a_tone_at_its_time_and_frequency) {
  constexpr int rate = 8000;
  std::vector<float> x(16000, 0.f);
  const auto sine = tone(8000, 1000. / rate, 1);
  std::copy(sine.begin(), sine.end(), x.begin() + 4000);
  const spectrogram s = analyse(x, rate);
  EXPECT_EQ(s.frames, 250u);
  EXPECT_EQ(s.bins, 257u);
  const std::size_t bin = 64;  // 1 of 4 kHz
  EXPECT_NEAR(s.at(125, bin), 1, 1e-3);
  EXPECT_LT(s.at(125, bin + 10), 1e-4);
  EXPECT_EQ(s.at(20, bin), 0);
  EXPECT_NEAR(top_of(s), 0, 0.01);
  const indexed_picture p = draw(s, 100, 80, top_of(s), 60);
  const auto at = [&](std::size_t column, std::size_t row) { return p.pixels[row * 100 + column]; };
  EXPECT_GT(at(50, 59), 240);  // three quarters down, a mean over its row
  EXPECT_EQ(at(50, 20), 0);
  EXPECT_EQ(at(10, 59), 0);
  EXPECT_GT(at(28, 59), 200);
  EXPECT_EQ(at(80, 59), 0);
}

TEST(spectrogram, levels_are_decibels_below_the_top) {
  const auto x = tone(8000, 0.125, 0.1);  // -20 dB
  const spectrogram s = analyse(x, 8000);
  EXPECT_NEAR(top_of(s), -20, 0.05);
  const indexed_picture p = draw(s, s.frames, s.bins, 0, 80);
  EXPECT_NEAR(p.pixels[(s.bins - 1 - 64) * s.frames + s.frames / 2], 255 * 60 / 80, 1);
}

// Whether the picture is larger or smaller than the grid, its mean power stays.
TEST(spectrogram, stretches_lines) {
  const std::vector<double> in{1, 2, 3, 4, 5, 6};
  std::vector<double> half(3), part(4), twice(12);
  detail::stretch(in, half);
  EXPECT_EQ(half, (std::vector<double>{1.5, 3.5, 5.5}));
  detail::stretch(in, part);
  EXPECT_NEAR(part[0], (1 + 2 * 0.5) / 1.5, 1e-12);
  EXPECT_NEAR(part[1], (2 * 0.5 + 3) / 1.5, 1e-12);
  detail::stretch(in, twice);
  EXPECT_EQ(twice[0], 1);
  EXPECT_NEAR(twice[1], 1.25, 1e-12);
  EXPECT_EQ(twice[11], 6);
}

TEST(spectrogram, takes_any_length_and_silence) {
  for (const std::size_t length : {1u, 2u, 63u, 64u, 65u, 1000u}) {
    const spectrogram s = analyse(std::vector<float>(length, 0.f), 8000);
    EXPECT_EQ(s.frames, (length + 63) / 64);
    const indexed_picture p = draw(s, 50, 40, top_of(s), 70);
    EXPECT_EQ(p.pixels, std::vector<std::uint8_t>(2000, 0));
  }
  EXPECT_TRUE(says(error_of([] { analyse({}, 8000); }), "one sample"));
  EXPECT_TRUE(says(error_of([] { analyse(std::vector<float>(10), 8000, {.window = 0}); }), "0 s", "8000 Hz"));
  EXPECT_TRUE(says(error_of([] { draw(analyse(std::vector<float>(10), 8000), 0, 5, 0, 70); }), "0 by 5"));
}

}  // namespace
}  // namespace avss
