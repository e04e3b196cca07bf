// Films to voices: what is written, when it sounds, what is refused. Faces are squares, the network multiplies.
#include "tools/separate_job.hpp"

#include <gtest/gtest.h>

#include <avss/io/array_file.hpp>
#include <avss/io/audio.hpp>
#include <avss/io/media_audio.hpp>
#include <avss/io/media_video.hpp>
#include <cmath>
#include <sstream>

#include "tests/support/drawn_face.hpp"
#include "tests/support/fake_embedder.hpp"
#include "tests/support/fake_separator.hpp"
#include "tests/support/media_file.hpp"
#include "tests/support/near_faces.hpp"
#include "tests/support/tool_fixture.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

constexpr int rate = 16000;

// Each sample times the face's first feature in its frame.
void multiply(const av_size& n, std::span<const float> mixture, std::span<const float> video, std::span<float> voices) {
  for (dim_t f = 0; f < n.faces; ++f)
    for (dim_t i = 0; i < n.length; ++i) {
      const dim_t frame = std::min(n.video_frames - 1, i * 25 / rate);
      voices[static_cast<std::size_t>(f * n.length + i)] =
          mixture[static_cast<std::size_t>(i)] *
          video[static_cast<std::size_t>(f * lip_embedder::features * n.video_frames + frame)];
    }
}

// What lrw makes of a grey value.
double feature(double grey) { return (grey / 255 - 0.421) / 0.165; }

class separate_job : public tool_in_folder {
 protected:
  // The first person is there in frames [from, to).
  static std::vector<grey_picture> pictures(int people, int frames, int from = 0, int to = 1000) {
    std::vector<grey_picture> all;
    for (int t = 0; t < frames; ++t) {
      grey_picture p = blank(320, 128, 40);
      for (int i = 0; i < people; ++i)
        if (i > 0 || (t >= from && t < to)) draw_square(p, 8 + 104 * i, 24, 88, static_cast<std::uint8_t>(205 + 20 * i));
      all.push_back(p);
    }
    return all;
  }
  static std::vector<float> sound(int samples) { return noise(static_cast<std::size_t>(samples), 3, 0.2); }

  separate_options options(const fs::path& video) const {
    separate_options o;
    o.video = video;
    o.out = folder / "out";
    o.separation.free_level = false;
    o.separation.level = level_policy::none;
    o.separation.window = 2;
    return o;
  }
  int run(const separate_options& o) {
    out.str(""), err.str("");
    near_faces finder;
    middle_embedder encoder(0);
    function_av_separator network(rate, multiply, 1, 1, lip_embedder::features);
    return run_separate(o, network, encoder, &finder, out, err);
  }
  std::string refusal(const separate_options& o) {
    return error_of([&] { run(o); });
  }
  std::vector<float> voice(const std::string& name) const { return read_audio((folder / "out" / name).string()).samples; }

  std::ostringstream out, err;
};

TEST_F(separate_job, gives_each_face_its_voice_and_film) {
  const std::vector<float> x = sound(40 * 640);
  const fs::path film = folder / "talk.avi";
  media_file(film).add_film(AV_CODEC_ID_MJPEG, pictures(2, 40)).add_sound(AV_CODEC_ID_PCM_S16LE, rate, x).write();
  ASSERT_EQ(run(options(film)), 0) << err.str();
  EXPECT_EQ(files_in(folder / "out"), (std::vector<std::string>{"face1.mkv", "face1.wav", "face2.mkv", "face2.wav", "faces.png",
                                                                "index.html", "mixture.wav"}));
  const std::vector<float> mixture = voice("mixture.wav");
  ASSERT_EQ(mixture.size(), x.size());
  const double gain[] = {feature(205), feature(225)};
  for (int f = 0; f < 2; ++f) {
    const std::vector<float> y = voice("face" + std::to_string(f + 1) + ".wav");
    ASSERT_EQ(y.size(), x.size());
    for (std::size_t i = 0; i < y.size(); i += 7) {
      EXPECT_NEAR(mixture[i], x[i], 1e-4);
      EXPECT_NEAR(y[i], gain[f] * mixture[i], 0.02) << i;
    }
    const fs::path copy = folder / "out" / ("face" + std::to_string(f + 1) + ".mkv");
    media_video_reader before(film), after(copy);
    video_frame a, b;
    int frames = 0;
    for (; before.next(a); ++frames) {
      ASSERT_TRUE(after.next(b));
      EXPECT_EQ(a.picture.pixels, b.picture.pixels);
    }
    EXPECT_FALSE(after.next(b));
    EXPECT_EQ(frames, 40);
    // Sound and picture of the copy begin together, and the sound is the voice: AAC's error is far below it.
    media_audio_reader heard(copy);
    std::vector<float> z(y.size());
    ASSERT_EQ(heard.read(z), z.size());
    media_video_reader again(copy);
    again.next(a);
    const auto skip = static_cast<std::size_t>(std::lround((a.time - heard.starts()) * rate));
    double error = 0, power = 0;
    for (std::size_t i = 1024; i + skip < z.size(); ++i) {
      error += std::pow(z[i + skip] - y[i], 2);
      power += y[i] * y[i];
    }
    EXPECT_LT(error, 0.5 * power) << skip;
  }
  EXPECT_NE(out.str().find("2 voices of 1.6 s"), std::string::npos) << out.str();
  const std::string page = bytes_of_file(folder / "out/index.html");
  for (const char* part :
       {"face2.mkv", "poster=\"data:image/png", "Browsers do not show pictures of mjpeg", "<p>frames 0 to 39"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST_F(separate_job, results_of_a_run_with_more_faces_stay_and_are_told) {
  const auto film_of = [&](int people) {
    const fs::path film = folder / ("talk" + std::to_string(people) + ".avi");
    media_file(film)
        .add_film(AV_CODEC_ID_MJPEG, pictures(people, 40))
        .add_sound(AV_CODEC_ID_PCM_S16LE, rate, sound(40 * 640))
        .write();
    return options(film);
  };
  ASSERT_EQ(run(film_of(3)), 0) << err.str();
  EXPECT_EQ(err.str(), "");
  const std::string third = bytes_of_file(folder / "out/face3.wav");
  for (const char* name : {"face1.txt", "face.wav", "surface4.wav", "face1.mp4"}) write_bytes(folder / "out" / name, "mine");
  ASSERT_EQ(run(film_of(2)), 0) << err.str();
  EXPECT_EQ(err.str(), "note: " + (folder / "out").string() +
                           ": face1.mp4, face3.mkv, face3.wav of an earlier run lie beside the voices of this one, and "
                           "index.html does not show them; remove what is not wanted, or choose another out\n");
  EXPECT_EQ(bytes_of_file(folder / "out/face3.wav"), third);
  EXPECT_EQ(bytes_of_file(folder / "out/face1.mp4"), "mine");
  ASSERT_EQ(run(film_of(3)), 0);
  EXPECT_NE(err.str().find("face1.mp4 of an earlier run lies beside"), std::string::npos) << err.str();
}

TEST_F(separate_job, a_voice_is_silent_while_its_face_is_away) {
  const fs::path film = folder / "talk.avi";
  media_file(film)
      .add_film(AV_CODEC_ID_MJPEG, pictures(2, 150, 80))
      .add_sound(AV_CODEC_ID_PCM_S16LE, rate, sound(150 * 640))
      .write();
  separate_options o = options(film);
  o.finding.faces.tracking.longest_gap = 10;
  ASSERT_EQ(run(o), 0) << err.str();
  const std::vector<float> y = voice("face1.wav"), mixture = voice("mixture.wav");
  ASSERT_EQ(y.size(), 150u * 640);
  for (std::size_t i = 0; i < 79 * 640; ++i) ASSERT_EQ(y[i], 0.f) << i;
  double power = 0, expected = 0;
  for (std::size_t i = 82 * 640; i < y.size(); ++i) power += y[i] * y[i], expected += std::pow(feature(205) * mixture[i], 2);
  EXPECT_NEAR(power / expected, 1, 0.05);
  EXPECT_NE(out.str().find("face 1: frames 80 to 149"), std::string::npos) << out.str();
}

TEST_F(separate_job, sound_that_begins_late_or_ends_early_stays_where_it_was) {
  const fs::path film = folder / "late.mkv";
  const std::vector<float> x = sound(20 * 640);
  media_file(film)
      .add_film(AV_CODEC_ID_MJPEG, pictures(1, 80))
      .add_sound(AV_CODEC_ID_PCM_S16LE, rate, x)
      .delay_sound(0.4)
      .write();
  ASSERT_EQ(run(options(film)), 0) << err.str();
  const std::vector<float> mixture = voice("mixture.wav");
  ASSERT_EQ(mixture.size(), 80u * 640);
  for (std::size_t i = 0; i < 6400; ++i) ASSERT_EQ(mixture[i], 0.f);
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(mixture[6400 + i], x[i], 1e-4);
  for (std::size_t i = 6400 + x.size(); i < mixture.size(); ++i) ASSERT_EQ(mixture[i], 0.f);
  EXPECT_NE(err.str().find("begins 0.4 s after the picture"), std::string::npos) << err.str();
  EXPECT_NE(err.str().find("ends 2 s before the picture"), std::string::npos) << err.str();
}

TEST_F(separate_job, sound_with_a_gap_in_its_time_stamps_stays_in_step) {
  const fs::path film = folder / "gap.mkv";
  const std::vector<float> x = sound(60 * 640);
  media_file(film)
      .add_film(AV_CODEC_ID_MJPEG, pictures(1, 80))
      .move_sound(1.024, 0.8)
      .add_sound(AV_CODEC_ID_PCM_S16LE, rate, x)
      .write();
  ASSERT_EQ(run(options(film)), 0) << err.str();
  const std::vector<float> mixture = voice("mixture.wav");
  ASSERT_EQ(mixture.size(), 80u * 640);
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(mixture[i < 16384 ? i : i + 12800], x[i], 1e-4) << i;
  EXPECT_NE(err.str().find("0.80 s of silence put in at 1.02 s"), std::string::npos) << err.str();
}

TEST_F(separate_job, trouble_that_can_be_known_is_told_before_faces_are_looked_for) {
  struct no_finder final : face_finder {
    std::vector<face_box> find(const grey_picture&, double) override { throw std::logic_error("looks for faces"); }
    std::vector<face_box> find_near(const grey_picture&, const face_box&) override { throw std::logic_error("looks again"); }
    landmarks68 landmarks(const grey_picture&, const face_box&) override { throw std::logic_error("looks for points"); }
  } finder;
  const auto refused = [&](const separate_options& o) {
    middle_embedder encoder(0);
    function_av_separator network(rate, multiply, 1, 1, lip_embedder::features);
    return error_of([&] { run_separate(o, network, encoder, &finder, out, err); });
  };
  const fs::path silent = folder / "silent.avi", talk = folder / "talk.avi";
  media_file(silent).add_film(AV_CODEC_ID_MJPEG, pictures(1, 40)).write();
  media_file(talk).add_film(AV_CODEC_ID_MJPEG, pictures(1, 40)).add_sound(AV_CODEC_ID_PCM_S16LE, rate, sound(25600)).write();
  EXPECT_TRUE(says(refused(options(silent)), "silent.avi", "no audio stream"));
  separate_options o = options(talk);
  o.audio = folder / "none.wav";
  EXPECT_TRUE(says(refused(o), "none.wav", "No such file"));
  o = options(talk);
  o.out = folder / "file";
  write_bytes(o.out, "mine");
  EXPECT_TRUE(says(refused(o), "file", "is no folder", "choose another"));
}

TEST_F(separate_job, mouths_and_sound_need_no_film) {
  const std::vector<float> x = sound(30 * 640);
  write_audio(folder / "sound.wav", rate, x);
  const auto store = [&](const char* name, dim_t frames, std::uint8_t grey) {
    write_array((folder / name).string(), "data",
                tensor::of<std::uint8_t>({frames, 96, 96},
                                         std::vector<std::uint8_t>(static_cast<std::size_t>(frames) * 96 * 96, grey)));
  };
  store("a.npz", 30, 200), store("b.npz", 31, 100), store("c.npz", 60, 100);
  separate_options o = options("");
  o.audio = folder / "sound.wav";
  o.mouths = {folder / "a.npz", folder / "b.npz"};
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_EQ(files_in(folder / "out"),
            (std::vector<std::string>{"face1.wav", "face2.wav", "faces.png", "index.html", "mixture.wav"}));
  const std::vector<float> a = voice("face1.wav"), b = voice("face2.wav");
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(a[i], feature(200) * x[i], 1e-5);
    ASSERT_NEAR(b[i], feature(100) * x[i], 1e-5);
  }
  o.mouths[1] = folder / "c.npz";
  o.out = folder / "other";
  EXPECT_TRUE(says(refusal(o), "c.npz", "60 frames", "sound.wav", "30 frames"));
  EXPECT_FALSE(fs::exists(folder / "other"));
}

TEST_F(separate_job, refuses_what_it_cannot_work_with) {
  const fs::path silent = folder / "silent.avi", empty = folder / "nobody.avi", talk = folder / "talk.avi";
  media_file(silent).add_film(AV_CODEC_ID_MJPEG, pictures(1, 40)).write();
  media_file(empty).add_film(AV_CODEC_ID_MJPEG, pictures(0, 40)).add_sound(AV_CODEC_ID_PCM_S16LE, rate, sound(25600)).write();
  media_file(talk).add_film(AV_CODEC_ID_MJPEG, pictures(3, 40)).add_sound(AV_CODEC_ID_PCM_S16LE, rate, sound(25600)).write();
  EXPECT_TRUE(says(refusal(options(silent)), "silent.avi", "no audio stream"));
  EXPECT_TRUE(says(refusal(options(empty)), "nobody.avi", "no face is found"));
  separate_options o = options(talk);
  o.finding.expected = 2;
  EXPECT_TRUE(says(refusal(o), "talk.avi", "holds 3 faces, expected 2"));
  o = options(talk);
  o.out = folder;
  EXPECT_TRUE(says(refusal(o), "talk.avi", "lies in the folder for the results"));
  write_audio(folder / "sound.wav", rate, sound(100));
  EXPECT_TRUE(says(refusal(options(folder / "sound.wav")), "sound.wav", "no video stream"));
  EXPECT_TRUE(says(refusal(options(folder / "missing.mp4")), "missing.mp4"));
  EXPECT_FALSE(fs::exists(folder / "out"));
}

}  // namespace
}  // namespace avss::tools
