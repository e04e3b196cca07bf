// Films to crops, with a finder of faces that is never wrong; crop_mouths_test has the real one.
#include "tools/crop_mouths_job.hpp"

#include <gtest/gtest.h>

#include <avss/data/mouth_clip.hpp>
#include <avss/io/strict_json.hpp>
#include <sstream>

#include "tests/support/drawn_face.hpp"
#include "tests/support/media_file.hpp"
#include "tests/support/near_faces.hpp"
#include "tests/support/tool_fixture.hpp"

namespace avss::tools {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class crop_mouths_job : public tool_in_folder {
 protected:
  // People stand side by side, the first from frame `from` on.
  fs::path film(const std::string& name, int people, int frames = 40, int from = 0, int to = 1000) const {
    std::vector<grey_picture> pictures;
    for (int t = 0; t < frames; ++t) {
      grey_picture p = blank(320, 128, 40);
      for (int i = 0; i < people; ++i)
        if (i > 0 || (t >= from && t < to)) draw_square(p, 8 + 104 * i, 24, 88, static_cast<std::uint8_t>(205 + 20 * i));
      pictures.push_back(p);
    }
    media_file(folder / name).add_film(AV_CODEC_ID_MJPEG, pictures).write();
    return folder / name;
  }
  crop_options options(std::vector<fs::path> videos) const {
    crop_options o;
    o.videos = std::move(videos), o.out = folder / "out";
    return o;
  }
  int run(const crop_options& o) {
    out.str(""), err.str("");
    near_faces finder;
    return run_crop_mouths(o, finder, out, err);
  }

  std::ostringstream out, err;
};

TEST_F(crop_mouths_job, writes_crops_a_sheet_and_a_report) {
  ASSERT_EQ(run(options({film("talk.avi", 2)})), 0) << err.str();
  EXPECT_EQ(files_in(folder / "out"),
            (std::vector<std::string>{"mouths/talk_1.npz", "mouths/talk_2.npz", "reports/talk.json", "sheets/talk.png"}));
  for (const char* name : {"talk_1.npz", "talk_2.npz"}) {
    const mouth_clip clip = read_mouth_clip((folder / "out/mouths" / name).string());
    EXPECT_EQ(clip.frames, 40);
    EXPECT_EQ(clip.height, 96);
    EXPECT_NEAR(clip.pixels[0], name[5] == '1' ? 205 : 225, 4);  // from left to right
  }
  EXPECT_EQ(bytes_of_file(folder / "out/sheets/talk.png").substr(1, 3), "PNG");
  const std::string report = bytes_of_file(folder / "out/reports/talk.json");
  EXPECT_TRUE(strict_json::parse(report, "talk.json").find("people"));
  EXPECT_NE(report.find("\"file\": \"mouths/talk_2.npz\", \"first\": 0, \"frames\": 40, \"seen\": 40, \"gaps\": []"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find("\"sound_start\": null"), std::string::npos) << report;
  EXPECT_NE(out.str().find("2 faces"), std::string::npos);
}

TEST_F(crop_mouths_job, names_one_person_as_the_film_and_tells_gaps) {
  const fs::path a = film("a.avi", 1, 60, 10, 50), b = film("b.avi", 2, 60);
  crop_options o = options({a, b});
  o.landmarks = true;
  ASSERT_EQ(run(o), 0) << err.str();
  EXPECT_EQ(read_mouth_clip((folder / "out/mouths/a.npz").string()).frames, 60);
  EXPECT_TRUE(fs::exists(folder / "out/mouths/b_1.npz"));
  const std::string report = bytes_of_file(folder / "out/reports/a.json");
  EXPECT_NE(report.find("\"seen\": 40, \"gaps\": [[0, 10], [50, 10]]"), std::string::npos) << report;
  EXPECT_NE(out.str().find("20 of them not seen (0 to 9, 50 to 59)"), std::string::npos) << out.str();
  const tensor_dict landmarks = read_npz((folder / "out/landmarks/a.npz").string());
  EXPECT_EQ(landmarks.find("data")->shape, (std::vector<dim_t>{60, 68, 2}));
  EXPECT_EQ(landmarks.find("centres")->shape, (std::vector<dim_t>{60, 2}));
}

// The face stays about where it is, and everything around it changes: who talks before is not who talks after.
TEST_F(crop_mouths_job, begins_faces_anew_at_a_cut) {
  std::vector<grey_picture> pictures;
  for (int t = 0; t < 70; ++t) {
    grey_picture p = blank(320, 128, 30);
    for (std::size_t y = 0; y < 128; ++y)
      for (std::size_t x = 0; x < 320; ++x)
        if ((x / 80 + y / 32) % 2 == (t < 40 ? 0u : 1u)) p.pixels[y * 320 + x] = 160;
    draw_square(p, t < 40 ? 8 : 16, 24, 88, 205);
    pictures.push_back(p);
  }
  media_file(folder / "cut.avi").add_film(AV_CODEC_ID_MJPEG, pictures).write();
  ASSERT_EQ(run(options({folder / "cut.avi"})), 0) << err.str();
  EXPECT_NE(out.str().find("1 cuts"), std::string::npos) << out.str();
  EXPECT_NE(bytes_of_file(folder / "out/reports/cut.json").find("\"cuts\": [40]"), std::string::npos);
  ASSERT_TRUE(fs::exists(folder / "out/mouths/cut_2.npz")) << out.str();
  EXPECT_EQ(read_mouth_clip((folder / "out/mouths/cut_1.npz").string()).frames, 40);
  EXPECT_EQ(read_mouth_clip((folder / "out/mouths/cut_2.npz").string()).frames, 30);
}

TEST_F(crop_mouths_job, goes_on_where_it_was_and_overwrites_nothing) {
  const fs::path a = film("a.avi", 1), b = film("b.avi", 1);
  ASSERT_EQ(run(options({a})), 0);
  const auto before = fs::last_write_time(folder / "out/mouths/a.npz");
  ASSERT_EQ(run(options({a, b})), 0);
  EXPECT_NE(out.str().find("1 films cropped, 1 were there, 0 failed"), std::string::npos) << out.str();
  EXPECT_EQ(fs::last_write_time(folder / "out/mouths/a.npz"), before);
  fs::remove(folder / "out/reports/a.json");  // then the crops are somebody else's
  EXPECT_EQ(run(options({a})), 1);
  EXPECT_NE(err.str().find("is there already"), std::string::npos) << err.str();
  EXPECT_EQ(fs::last_write_time(folder / "out/mouths/a.npz"), before);
  crop_options o = options({a});
  o.overwrite = true;
  EXPECT_EQ(run(o), 0);
}

TEST_F(crop_mouths_job, says_what_is_wrong_and_does_the_rest) {
  crop_options o = options({film("none.avi", 0), film("three.avi", 3), film("two.avi", 2), film("short.avi", 1, 10)});
  o.expected = 2;
  EXPECT_EQ(run(o), 1);
  std::istringstream lines(err.str());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_TRUE(says(line, "none.avi: no face is found in any of its 40 frames", "at least 80 pixels"));
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_TRUE(says(line, "three.avi: holds 3 faces, expected 2", "face 3: frames 0 to 39"));
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_TRUE(says(line, "short.avi: has 10 frames", "at least 25", "min_frames"));
  EXPECT_FALSE(std::getline(lines, line)) << line;
  EXPECT_EQ(files_in(folder / "out").size(), 4u);
  EXPECT_NE(out.str().find("1 films cropped, 0 were there, 3 failed"), std::string::npos) << out.str();
}

TEST_F(crop_mouths_job, refuses_brief_faces_and_two_films_of_one_name) {
  EXPECT_EQ(run(options({film("brief.avi", 1, 60, 10, 20)})), 1);
  EXPECT_TRUE(says(err.str().substr(0, err.str().size() - 1), "no face is found in as many as 25 frames (1 in fewer)"));
  fs::create_directories(folder / "other");
  const fs::path a = film("a.avi", 1), b = film("other/a.avi", 1);
  EXPECT_TRUE(says(error_of([&] { run(options({a, b})); }), "two films of one name"));
}

TEST_F(crop_mouths_job, lists_the_films_of_a_folder) {
  film("b.avi", 1, 2), film("a.AVI", 1, 2);
  write_bytes(folder / "readme.txt", "x");
  std::size_t skipped = 0;
  const auto films = list_films(folder, skipped);
  ASSERT_EQ(films.size(), 2u);
  EXPECT_EQ(films[0].filename(), "a.AVI");
  EXPECT_EQ(skipped, 1u);
  EXPECT_TRUE(says(error_of([&] { list_films(folder / "none", skipped); }), "no such film or folder"));
  fs::create_directories(folder / "empty");
  EXPECT_TRUE(says(error_of([&] { list_films(folder / "empty", skipped); }), "holds no films"));
}

}  // namespace
}  // namespace avss::tools
