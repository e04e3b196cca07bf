#include <gtest/gtest.h>

#include <avss/io/media_audio.hpp>
#include <avss/io/media_video.hpp>
#include <avss/video/steady_frames.hpp>
#include <cstdlib>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/drawn_face.hpp"
#include "tests/support/media_file.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

// Frames whose grey value tells their number.
std::vector<grey_picture> numbered(int count) {
  std::vector<grey_picture> all;
  for (int n = 0; n < count; ++n) all.push_back(blank(64, 48, static_cast<std::uint8_t>(20 + 3 * n)));
  return all;
}
int number_of(const grey_picture& p) { return (p.pixels[24 * p.width + 32] - 20 + 1) / 3; }

std::vector<int> shown(const fs::path& path) {
  media_video_reader reader(path);
  steady_frames<media_video_reader> film(reader);
  std::vector<int> numbers;
  while (const grey_picture* p = film.next()) numbers.push_back(number_of(*p));
  return numbers;
}

class media_video : public in_folder {
 protected:
  static std::string read_error(const fs::path& path) {
    return error_of([&] {
      media_video_reader reader(path);
      video_frame f;
      while (reader.next(f)) {
      }
    });
  }
  static std::vector<float> hum(std::size_t n) { return std::vector<float>(n, 0.1f); }
};

TEST_F(media_video, reads_grey_values_of_both_ranges) {
  std::vector<grey_picture> pictures;
  for (const std::uint8_t v : {0, 1, 50, 128, 200, 254, 255}) pictures.push_back(blank(64, 48, v));
  media_file(folder / "limited.avi").add_film(AV_CODEC_ID_MPEG4, pictures).write();
  media_file(folder / "full.avi").add_film(AV_CODEC_ID_MJPEG, pictures).write();
  for (const char* name : {"limited.avi", "full.avi"}) {
    media_video_reader reader(folder / name);
    video_frame f;
    for (const grey_picture& p : pictures) {
      ASSERT_TRUE(reader.next(f));
      ASSERT_EQ(f.picture.width, 64u);
      ASSERT_EQ(f.picture.height, 48u);
      for (const std::uint8_t v : f.picture.pixels) ASSERT_NEAR(v, p.pixels[0], 2) << name;
    }
    EXPECT_FALSE(reader.next(f));
  }
}

TEST_F(media_video, keeps_rows_and_columns) {
  grey_picture p = blank(66, 50, 100);  // no multiple of what vectors hold
  for (std::size_t y = 0; y < 10; ++y)
    for (std::size_t x = 40; x < 66; ++x) p.pixels[y * 66 + x] = 200;
  media_file(folder / "x.avi").add_film(AV_CODEC_ID_MPEG4, {p}).write();
  video_frame f;
  ASSERT_TRUE(media_video_reader(folder / "x.avi").next(f));
  for (std::size_t y = 0; y < 50; ++y)
    for (std::size_t x = 0; x < 66; ++x) ASSERT_NEAR(f.picture.pixels[y * 66 + x], p.pixels[y * 66 + x], 24) << x << ' ' << y;
}

TEST_F(media_video, gives_25_frames_a_second_of_any_rate) {
  const auto at = [](int count, double fps) {
    std::vector<std::int64_t> times;
    for (int n = 0; n < count; ++n) times.push_back(std::lround(1000 * n / fps));
    return times;
  };
  media_file(folder / "25.mkv").add_film(AV_CODEC_ID_MPEG4, numbered(20), at(20, 25)).write();
  media_file(folder / "50.mkv").add_film(AV_CODEC_ID_MPEG4, numbered(40), at(40, 50)).write();
  media_file(folder / "12.mkv").add_film(AV_CODEC_ID_MPEG4, numbered(10), at(10, 12.5)).write();
  media_file(folder / "30.mkv").add_film(AV_CODEC_ID_MPEG4, numbered(60), at(60, 30)).write();
  std::vector<int> one, two, half;
  for (int n = 0; n < 20; ++n) one.push_back(n), two.push_back(2 * n), half.push_back(n / 2);
  EXPECT_EQ(shown(folder / "25.mkv"), one);
  EXPECT_EQ(shown(folder / "50.mkv"), two);
  const std::vector<int> slow = shown(folder / "12.mkv");  // how long its last frame lasts, the file does not say
  ASSERT_GE(slow.size(), 19u);
  ASSERT_LE(slow.size(), 20u);
  EXPECT_EQ(slow, std::vector<int>(half.begin(), half.begin() + static_cast<long>(slow.size())));
  const std::vector<int> thirty = shown(folder / "30.mkv");
  ASSERT_EQ(thirty.size(), 50u);
  for (int k = 0; k < 50; ++k) EXPECT_EQ(thirty[static_cast<std::size_t>(k)], k * 30 / 25) << k;
}

TEST_F(media_video, follows_a_varying_rate) {
  // frames 1 and 2 in a hurry, a pause of a fifth of a second after 3
  media_file(folder / "x.mkv").add_film(AV_CODEC_ID_MPEG4, numbered(6), {0, 45, 60, 80, 280, 320}).write();
  const std::vector<int> got = shown(folder / "x.mkv"), expected{0, 0, 3, 3, 3, 3, 3, 4, 5};
  ASSERT_GE(got.size(), expected.size());
  EXPECT_EQ(std::vector<int>(got.begin(), got.begin() + static_cast<long>(expected.size())), expected);
}

TEST_F(media_video, tells_when_picture_and_sound_begin) {
  media_file(folder / "x.mkv")
      .delay_sound(0.3)
      .add_film(AV_CODEC_ID_MPEG4, numbered(25))
      .add_sound(AV_CODEC_ID_PCM_S16LE, 16000, hum(8000))
      .write();
  media_video_reader video(folder / "x.mkv");
  video_frame f;
  ASSERT_TRUE(video.next(f));
  EXPECT_NEAR(video.starts(), 0, 0.001);
  EXPECT_NEAR(f.time, 0, 0.001);
  ASSERT_TRUE(video.next(f));
  EXPECT_NEAR(f.time, 0.04, 0.001);
  media_audio_reader sound(folder / "x.mkv");
  EXPECT_NEAR(sound.starts(), 0.3, 0.002);
  std::vector<float> block(100);
  ASSERT_EQ(sound.read(block), 100u);
  EXPECT_NEAR(sound.starts(), 0.3, 0.002);
}

TEST_F(media_video, turns_what_was_filmed_lying) {
  grey_picture p = blank(64, 48, 60);
  for (std::size_t y = 0; y < 16; ++y)
    for (std::size_t x = 0; x < 16; ++x) p.pixels[y * 64 + x] = 220;  // top left
  const auto corner = [&](int turned) {
    const fs::path path = folder / (std::to_string(turned) + ".mov");
    media_file(path).add_film(AV_CODEC_ID_MPEG4, {p, p}, {0, 40}, turned).write();
    media_video_reader reader(path);
    video_frame f;
    EXPECT_TRUE(reader.next(f));
    const std::size_t w = f.picture.width, h = f.picture.height;
    std::string text = w > h ? "lying " : "standing ";
    for (const auto& [y, x] : {std::pair{4ul, 4ul}, {4ul, w - 4}, {h - 4, w - 4}, {h - 4, 4ul}})
      text += f.picture.pixels[y * w + x] > 140 ? '#' : '.';
    return text;
  };
  EXPECT_EQ(corner(0), "lying #...");
  EXPECT_EQ(corner(90), "standing .#..");
  EXPECT_EQ(corner(180), "lying ..#.");
  EXPECT_EQ(corner(270), "standing ...#");
}

// What is drawn 16 x 16 in the file is as wide and high as its pixels' shape says.
TEST_F(media_video, makes_pixels_square) {
  grey_picture p = blank(64, 48, 40);
  for (std::size_t y = 16; y < 32; ++y)
    for (std::size_t x = 24; x < 40; ++x) p.pixels[y * 64 + x] = 220;
  const auto sizes = [&](const std::string& name, int width, int height, int turned = 0) {
    const fs::path path = folder / name;
    media_file(path).pixel_shape(width, height).add_film(AV_CODEC_ID_MPEG4, {p, p}, {0, 40}, turned).write();
    media_video_reader reader(path);
    video_frame f;
    EXPECT_TRUE(reader.next(f));
    const std::size_t w = f.picture.width, h = f.picture.height;
    std::size_t across = 0, down = 0;
    for (std::size_t x = 0; x < w; ++x) across += f.picture.pixels[h / 2 * w + x] > 130;
    for (std::size_t y = 0; y < h; ++y) down += f.picture.pixels[y * w + w / 2] > 130;
    return std::vector<std::size_t>{w, h, across, down};
  };
  using list = std::vector<std::size_t>;
  for (const char* ending : {".mkv", ".mp4", ".avi"}) {  // the last one's container does not say, its codec does
    EXPECT_EQ(sizes(std::string("square") + ending, 1, 1), (list{64, 48, 16, 16})) << ending;
    EXPECT_EQ(sizes(std::string("wide") + ending, 2, 1), (list{128, 48, 32, 16})) << ending;
    EXPECT_EQ(sizes(std::string("high") + ending, 3, 4), (list{64, 64, 16, 22})) << ending;
  }
  EXPECT_EQ(sizes("turned.mov", 2, 1, 90), (list{48, 128, 16, 32}));
}

TEST_F(media_video, counts_frames_that_are_damaged) {
  std::vector<grey_picture> pictures;
  lcg random(3);
  for (int n = 0; n < 30; ++n) {
    grey_picture p = blank(64, 48);
    for (std::uint8_t& v : p.pixels) v = static_cast<std::uint8_t>(128 + 100 * random());
    pictures.push_back(p);
  }
  const fs::path path = folder / "x.avi";
  media_file(path).add_film(AV_CODEC_ID_MPEG4, pictures).write();
  const auto damaged = [&] {
    media_video_reader reader(path);
    video_frame f;
    while (reader.next(f)) {
    }
    return reader.damaged();
  };
  EXPECT_EQ(damaged(), 0u);
  std::string bytes = bytes_of_file(path);
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 200; ++i) bytes[i] = static_cast<char>(37 * i);
  write_bytes(path, bytes);
  EXPECT_GT(damaged(), 0u);
  EXPECT_LT(damaged(), 30u);
}

TEST_F(media_video, refuses_what_is_no_film) {
  const std::string missing = (folder / "none.mp4").string();
  EXPECT_TRUE(says(read_error(missing), missing, "No such file"));
  media_file(folder / "sound.mka").add_sound(AV_CODEC_ID_PCM_S16LE, 16000, hum(8000)).write();
  EXPECT_TRUE(says(read_error(folder / "sound.mka"), "has no video stream", "audio (pcm_s16le)"));
  // a JPEG file is one frame of motion JPEG
  media_file(folder / "one.mjpeg").add_film(AV_CODEC_ID_MJPEG, {blank(64, 48)}).write();
  fs::rename(folder / "one.mjpeg", folder / "one.jpg");
  EXPECT_TRUE(says(read_error(folder / "one.jpg"), "one.jpg", "is a single picture", "give the video"));
  write_bytes(folder / "text.mp4", "no film\n");
  EXPECT_TRUE(says(read_error(folder / "text.mp4"), "no sound or film"));
}

TEST_F(media_video, refuses_a_truncated_film) {
  std::vector<grey_picture> pictures;
  for (int n = 0; n < 100; ++n) {
    grey_picture p = blank(64, 48);
    lcg random(static_cast<std::uint32_t>(n));
    for (std::uint8_t& v : p.pixels) v = static_cast<std::uint8_t>(128 + 100 * random());
    pictures.push_back(p);
  }
  for (const char* name : {"x.mp4", "x.avi", "x.mkv"}) {
    media_file(folder / name).add_film(AV_CODEC_ID_MPEG4, pictures).write();
    EXPECT_EQ(read_error(folder / name), "") << name;
    const std::string whole = bytes_of_file(folder / name);
    for (const std::size_t left : {whole.size() / 10, whole.size() / 2, whole.size() * 7 / 10}) {
      write_bytes(folder / name, whole.substr(0, left));
      EXPECT_TRUE(says(read_error(folder / name), (folder / name).string(), "again")) << name << ' ' << left;
    }
  }
}

}  // namespace
}  // namespace avss
