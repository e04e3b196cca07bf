#include <gtest/gtest.h>

#include <avss/data/prediction_layout.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class prediction_layout : public in_folder {
 protected:
  void SetUp() override {
    in_folder::SetUp();
    for (const char* f : {"gt/mix/b.flac", "gt/mix/a.wav", "gt/s1/b.wav", "gt/s1/a.wav", "gt/s2/a.ogg", "gt/s2/b.wav",
                          "out/s1/a.wav", "out/s1/b.mp3", "out/s2/b.wav", "out/s2/a.wav"})
      touch(f);
  }
  void touch(const fs::path& relative) {
    fs::create_directories((folder / relative).parent_path());
    write_bytes(folder / relative, "x");
  }
  prediction_list list(name_rule rule = name_rule::equal) { return list_predictions(folder / "gt", folder / "out", rule); }
};

std::vector<std::string> names(const prediction_list& list) {
  std::vector<std::string> out;
  for (const prediction_item& item : list.items) out.push_back(item.name);
  return out;
}

TEST_F(prediction_layout, pairs_files_by_name) {
  touch("out/s2/notes.txt");
  touch("out/s1/.hidden.wav");
  const prediction_list l = list();
  EXPECT_EQ(l.sources, 2u);
  EXPECT_TRUE(l.left_out.empty());
  EXPECT_EQ(names(l), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(l.items[1].mixture, folder / "gt/mix/b.flac");
  EXPECT_EQ(l.items[0].targets, (std::vector<fs::path>{folder / "gt/s1/a.wav", folder / "gt/s2/a.ogg"}));
  EXPECT_EQ(l.items[1].estimates, (std::vector<fs::path>{folder / "out/s1/b.mp3", folder / "out/s2/b.wav"}));
  EXPECT_EQ(l.skipped, std::vector<fs::path>{folder / "out/s2/notes.txt"});
}

TEST_F(prediction_layout, looks_into_the_folders_that_usually_hold_them) {
  fs::create_directories(folder / "data");
  fs::create_directories(folder / "saved");
  fs::rename(folder / "gt", folder / "data/audio");
  fs::rename(folder / "out", folder / "saved/inf");
  const prediction_list l = list_predictions(folder / "data", folder / "saved");
  EXPECT_EQ(l.truth, folder / "data/audio");
  EXPECT_EQ(l.predictions, folder / "saved/inf");
  EXPECT_EQ(names(l), (std::vector<std::string>{"a", "b"}));
}

TEST_F(prediction_layout, names_must_agree_or_the_common_ones_are_taken) {
  touch("gt/mix/c.wav");
  touch("gt/s1/c.wav");
  touch("out/s1/d.wav");
  fs::remove(folder / "out/s2/a.wav");
  EXPECT_TRUE(says(error_of([&] { list(); }), "gt: files do not match by name", "mix without ground truth s2: c",
                   "mix without prediction s1: c", "prediction s1 without mix: d", "mix without prediction s2: a, c"));
  const prediction_list l = list(name_rule::intersection);
  EXPECT_EQ(names(l), std::vector<std::string>{"b"});
  EXPECT_EQ(l.left_out, (std::vector<std::string>{"a", "c", "d"}));
  EXPECT_EQ(l.items[0].estimates.size(), 2u);
  fs::rename(folder / "out/s2/b.wav", folder / "out/s2/z.wav");
  EXPECT_TRUE(says(error_of([&] { list(name_rule::intersection); }), "no name in common", "prediction s2 without mix: z"));
}

TEST_F(prediction_layout, takes_any_number_of_sources_if_it_is_the_same) {
  touch("gt/s3/a.wav");
  touch("gt/s3/b.wav");
  EXPECT_TRUE(says(error_of([&] { list(); }), "out: has s1, s2 where the ground truth", "has s1, s2, s3"));
  touch("out/s3/a.wav");
  touch("out/s3/b.wav");
  EXPECT_EQ(list().items[0].targets.size(), 3u);
  touch("out/s5/a.wav");
  EXPECT_TRUE(says(error_of([&] { list(); }), "has s5 but no s4"));
}

TEST_F(prediction_layout, says_what_is_missing) {
  EXPECT_TRUE(says(error_of([&] { list_predictions(folder / "no", folder / "out"); }), "no: no such folder", "mix/, s1/, s2/"));
  EXPECT_TRUE(says(error_of([&] { list_predictions(folder / "gt", folder / "no"); }), "no: no such folder", "infer"));
  EXPECT_EQ(
      error_of([&] { list_predictions("/no-such-folder", folder / "out"); }).find("/no-such-folder: no such folder; expected"),
      0u);
  EXPECT_TRUE(says(error_of([&] { list_predictions(folder / "out", folder / "out"); }), "has no mix/, found s1, s2"));
  EXPECT_TRUE(
      says(error_of([&] { list_predictions(folder / "gt", folder / "gt/mix"); }), "gt/mix: has no s1/, found no folders"));
  fs::remove_all(folder / "gt/mix");
  fs::create_directories(folder / "gt/mix");
  EXPECT_TRUE(says(error_of([&] { list(); }), "gt/mix: is empty"));
  fs::remove_all(folder / "gt/s1");
  fs::remove_all(folder / "gt/s2");
  EXPECT_TRUE(says(error_of([&] { list(); }), "gt: has no ground truth, found mix"));
}

}  // namespace
}  // namespace avss
