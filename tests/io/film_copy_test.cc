// What a copy of a film keeps of its picture, and that the voice stays in step with it.
#include <gtest/gtest.h>

#include <avss/io/film_copy.hpp>
#include <avss/io/media_audio.hpp>
#include <avss/io/media_video.hpp>

#include "tests/support/audio_fixture.hpp"
#include "tests/support/drawn_face.hpp"
#include "tests/support/media_file.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

constexpr int rate = 16000;
constexpr std::size_t per_frame = rate / 25;

struct shown_film {
  std::vector<video_frame> frames;
  std::vector<float> sound;
  double sound_start = 0;
};

shown_film show(const fs::path& path) {
  shown_film s;
  media_video_reader reader(path);
  for (video_frame f; reader.next(f);) s.frames.push_back(f);
  return s;
}

class copied_film : public in_folder {
 protected:
  // Frames whose grey value tells their number.
  static std::vector<grey_picture> numbered(int count) {
    std::vector<grey_picture> all;
    for (int n = 0; n < count; ++n) all.push_back(blank(64, 48, static_cast<std::uint8_t>(20 + 4 * n)));
    return all;
  }
  static double begins(const fs::path& film) {
    media_video_reader reader(film);
    video_frame f;
    reader.next(f);
    return f.time;
  }
  shown_film copy(const fs::path& film, std::span<const float> voice) {
    const fs::path target = folder / ("copy" + film_copy_extension(film));
    film_copy c(film, begins(film), target, rate);
    for (std::size_t at = 0; at < voice.size(); at += 1000)
      c.write(voice.subspan(at, std::min<std::size_t>(1000, voice.size() - at)));
    c.finish();
    shown_film s = show(target);
    media_audio_reader reader(target);
    std::vector<float> block(4096);
    while (const std::size_t n = reader.read(block))
      s.sound.insert(s.sound.end(), block.begin(), block.begin() + static_cast<long>(n));
    s.sound_start = reader.starts();
    return s;
  }
  // Silence, and noise while frame `at` is shown.
  static std::vector<float> beep(int frames, int at) {
    std::vector<float> x(static_cast<std::size_t>(frames) * per_frame);
    const std::vector<float> n = noise(per_frame, 7, 0.5);
    std::copy(n.begin(), n.end(), x.begin() + static_cast<long>(static_cast<std::size_t>(at) * per_frame));
    return x;
  }
  // Every picture of the copy is the film's and comes as long after the first one; the first comes at 0.
  static void expect_same_pictures(const shown_film& film, const shown_film& made) {
    ASSERT_EQ(made.frames.size(), film.frames.size());
    EXPECT_NEAR(made.frames[0].time, 0, 0.002);
    for (std::size_t i = 0; i < film.frames.size(); ++i) {
      EXPECT_EQ(made.frames[i].picture.pixels, film.frames[i].picture.pixels) << i;
      EXPECT_NEAR(made.frames[i].time, film.frames[i].time - film.frames[0].time, 0.002) << i;
    }
  }
  // Where the middle of what sounds lies, in seconds on the copy's clock.
  static double middle(const shown_film& s) {
    double sum = 0, power = 0;
    for (std::size_t i = 0; i < s.sound.size(); ++i) {
      const double p = std::pow(s.sound[i], 2);
      sum += p * static_cast<double>(i), power += p;
    }
    return s.sound_start + sum / power / rate;
  }
};

TEST_F(copied_film, that_does_not_begin_at_0_begins_at_0_with_its_voice_in_step) {
  for (const char* name : {"x.mkv", "x.mp4", "x.ts"}) {
    const fs::path film = folder / name;
    media_file(film).delay_all(7.3).add_film(AV_CODEC_ID_MPEG4, numbered(50)).write();
    ASSERT_GT(begins(film), 7) << name;
    const shown_film made = copy(film, beep(50, 30));
    expect_same_pictures(show(film), made);
    EXPECT_NEAR(middle(made), 30.5 / 25, 0.01) << name;
    EXPECT_NEAR(static_cast<double>(made.sound.size()), 50 * per_frame, 4096) << name;
  }
}

TEST_F(copied_film, keeps_frames_that_are_coded_out_of_order) {
  for (const char* name : {"x.mp4", "x.mkv"}) {
    const fs::path film = folder / name;
    media_file(film).b_frames(2).add_film(AV_CODEC_ID_MPEG4, numbered(50)).write();
    {
      media_stream stream(film, media_kind::video);
      bool out_of_order = false;
      std::int64_t last = AV_NOPTS_VALUE;
      while (const AVPacket* p = stream.next_packet()) out_of_order |= p->pts < last, last = p->pts;
      ASSERT_TRUE(out_of_order) << name;
    }
    const shown_film before = show(film), made = copy(film, beep(50, 10));
    for (std::size_t i = 1; i < before.frames.size(); ++i)
      ASSERT_GT(before.frames[i].picture.pixels[0], before.frames[i - 1].picture.pixels[0]) << i;
    expect_same_pictures(before, made);
    EXPECT_NEAR(middle(made), 10.5 / 25, 0.01) << name;
  }
}

TEST_F(copied_film, is_shown_upright) {
  grey_picture p = blank(64, 48, 60);
  for (std::size_t y = 0; y < 16; ++y)
    for (std::size_t x = 0; x < 16; ++x) p.pixels[y * 64 + x] = 220;
  const fs::path film = folder / "x.mov";
  media_file(film).add_film(AV_CODEC_ID_MPEG4, {p, p, p}, {0, 40, 80}, 90).write();
  const shown_film made = copy(film, beep(3, 1));
  ASSERT_EQ(made.frames.size(), 3u);
  EXPECT_EQ(made.frames[0].picture.width, 48u);
  EXPECT_EQ(made.frames[0].picture.height, 64u);
  expect_same_pictures(show(film), made);
}

// A Matroska file does not say how many bits a pixel of it has, so that nobody could decode it.
TEST_F(copied_film, of_quicktime_stays_one_where_others_cannot_hold_it) {
  const fs::path film = folder / "x.mov";
  media_file(film).add_animation(30).write();
  EXPECT_EQ(film_copy_extension(film), ".mov");
  const shown_film before = show(film);
  EXPECT_NE(before.frames[0].picture.pixels, before.frames[9].picture.pixels);
  expect_same_pictures(before, copy(film, beep(30, 10)));
}

TEST_F(copied_film, is_what_players_expect) {
  const auto extension = [&](const char* name, AVCodecID codec) {
    media_file(folder / name).add_film(codec, numbered(5)).write();
    return film_copy_extension(folder / name);
  };
  EXPECT_EQ(extension("x.mov", AV_CODEC_ID_MPEG4), ".mp4");
  EXPECT_EQ(extension("x.avi", AV_CODEC_ID_MPEG4), ".mp4");
  EXPECT_EQ(extension("y.avi", AV_CODEC_ID_MJPEG), ".mkv");
  EXPECT_EQ(extension("y.mov", AV_CODEC_ID_MJPEG), ".mov");
}

}  // namespace
}  // namespace avss
