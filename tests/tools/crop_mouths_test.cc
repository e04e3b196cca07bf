// The tool as its users run it, on films of drawn faces that dlib's detector takes for real ones.
#include <gtest/gtest.h>

#include <avss/data/mouth_clip.hpp>
#include <cmath>
#include <sstream>

#include "tests/support/drawn_face.hpp"
#include "tests/support/media_file.hpp"
#include "tests/support/tool_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class crop_mouths : public tool_in_folder {
 protected:
  static drawn_face face(int t, double x, double speed) {
    return {x + 12 * std::sin(t * 0.1), 130 + 6 * std::cos(t * 0.13), 62, 0.5 - 0.5 * std::cos(t * speed)};
  }
  // Two people who sway and talk, each in a rhythm of its own, at `fps`; both gone from `from` to `to` s.
  fs::path film(const std::string& name, int people, double fps, double seconds, double from = 1e9, double to = 1e9) const {
    std::vector<grey_picture> pictures;
    std::vector<std::int64_t> times;
    for (int n = 0; n < static_cast<int>(seconds * fps); ++n) {
      const double s = n / fps;
      grey_picture p = blank(480, 288);
      for (int i = 0; i < people && !(s >= from && s < to); ++i)
        draw(p, face(static_cast<int>(std::lround(25 * s)), people == 1 ? 240 : 120 + 240 * i, 0.5 + 0.3 * i));
      pictures.push_back(p);
      times.push_back(std::lround(1000 * s));
    }
    media_file(folder / name).add_film(AV_CODEC_ID_MPEG4, pictures, times).write();
    return folder / name;
  }
  outcome crop(const fs::path& video, const std::string& more = "", const std::string& before = "") const {
    return run_tool("crop_mouths", "video=" + video.string() + " out=" + (folder / "out").string() + " " + more, before);
  }
  // How dark the middle of the crop is: the open mouth is.
  static std::vector<double> darkness(const mouth_clip& clip) {
    std::vector<double> all;
    for (dim_t t = 0; t < clip.frames; ++t) {
      double sum = 0;
      for (dim_t y = 38; y < 62; ++y)
        for (dim_t x = 38; x < 58; ++x) sum += 255 - clip.pixels[static_cast<std::size_t>((t * 96 + y) * 96 + x)];
      all.push_back(sum / (24 * 20));
    }
    return all;
  }
  static double correlation(const std::vector<double>& a, const std::vector<double>& b) {
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    const double n = static_cast<double>(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) ma += a[i] / n, mb += b[i] / n;
    for (std::size_t i = 0; i < a.size(); ++i)
      ab += (a[i] - ma) * (b[i] - mb), aa += (a[i] - ma) * (a[i] - ma), bb += (b[i] - mb) * (b[i] - mb);
    return ab / std::sqrt(aa * bb);
  }
};

TEST_F(crop_mouths, follows_two_talkers_in_step_with_the_film) {
  const outcome o = crop(film("talk.mkv", 2, 30, 2), "crop_mouths.faces=2");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(files_in(folder / "out"),
            (std::vector<std::string>{"mouths/talk_1.npz", "mouths/talk_2.npz", "reports/talk.json", "sheets/talk.png"}));
  for (int i = 0; i < 2; ++i) {
    const mouth_clip clip = read_mouth_clip((folder / ("out/mouths/talk_" + std::to_string(i + 1) + ".npz")).string());
    ASSERT_EQ(clip.frames, 50);
    std::vector<double> own, other;
    for (int t = 0; t < 50; ++t) own.push_back(face(t, 0, 0.5 + 0.3 * i).open), other.push_back(face(t, 0, 0.8 - 0.3 * i).open);
    EXPECT_GT(correlation(darkness(clip), own), 0.9) << i;
    EXPECT_LT(correlation(darkness(clip), other), 0.5) << i;
  }
}

TEST_F(crop_mouths, says_where_a_face_was_lost_for_a_second) {
  const outcome o = crop(film("gap.mkv", 1, 25, 3.2, 1.2, 2.2), "crop_mouths.procedure=legacy");
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_NE(o.out.find("25 of them not seen (30 to 54)"), std::string::npos) << o.out;
  EXPECT_EQ(read_mouth_clip((folder / "out/mouths/gap.npz").string()).frames, 80);
}

TEST_F(crop_mouths, a_line_for_each_bad_film_and_nothing_is_left) {
  film("empty.avi", 0, 25, 1.2), film("brief.avi", 1, 25, 0.4), film("one.avi", 1, 25, 1.2);
  media_file(folder / "sound.mka").add_sound(AV_CODEC_ID_PCM_S16LE, 16000, std::vector<float>(16000, 0.1f)).write();
  media_file(folder / "jpeg.mjpeg").add_film(AV_CODEC_ID_MJPEG, {blank(64, 48)}).write();
  fs::rename(folder / "jpeg.mjpeg", folder / "jpeg.jpg");
  const std::string whole = bytes_of_file(folder / "one.avi");
  write_bytes(folder / "cut.avi", whole.substr(0, whole.size() / 2));
  const std::string f = folder.string() + "/";
  const outcome o =
      run_tool("crop_mouths", "'video=[" + f + "empty.avi," + f + "brief.avi," + f + "one.avi," + f + "sound.mka," + f +
                                  "jpeg.jpg," + f + "cut.avi]' crop_mouths.faces=2 out=" + f + "out");
  EXPECT_EQ(o.status, 1);
  EXPECT_FALSE(fs::exists(folder / "out"));
  std::istringstream lines(o.err);
  std::string line;
  const auto next = [&] { return std::getline(lines, line) ? line : std::string(); };
  EXPECT_TRUE(says(next(), "empty.avi: no face is found in any of its 30 frames"));
  EXPECT_TRUE(says(next(), "brief.avi: has 10 frames", "at least 25"));
  EXPECT_TRUE(says(next(), "one.avi: holds 1 face, expected 2"));
  EXPECT_TRUE(says(next(), "sound.mka: has no video stream"));
  EXPECT_TRUE(says(next(), "jpeg.jpg: is a single picture"));
  EXPECT_TRUE(says(next(), "cut.avi", "again"));
  EXPECT_EQ(next(), "");
}

TEST_F(crop_mouths, bad_options_are_one_line_and_leave_nothing) {
  const fs::path talk = film("talk.avi", 1, 25, 1.2);
  const auto refused = [&](const outcome& o, const auto&... parts) {
    EXPECT_EQ(o.status, 1);
    EXPECT_FALSE(fs::exists(folder / "out")) << "files are left";
    return says(o.err.substr(0, o.err.size() - o.err.ends_with('\n')), parts...);
  };
  EXPECT_TRUE(refused(crop(folder / "none.mp4"), "none.mp4", "no such film"));
  EXPECT_TRUE(refused(crop(talk, "crop_mouths.landmark_model=" + (folder / "no.dat").string()), "no.dat", "no such model"));
  EXPECT_TRUE(refused(crop(talk, "crop_mouths.landmark_model=" + talk.string()), "talk.avi", "no model of landmarks"));
  EXPECT_TRUE(refused(crop(talk, "crop_mouths.min_frames=3"), "crop_mouths.min_frames", "from 12"));
  EXPECT_TRUE(refused(crop(talk, "", "ulimit -f 100;"), "cannot be written", "free some space"));
}

}  // namespace
}  // namespace avss
