#include <gtest/gtest.h>

#include <avss/data/mixture_layout.hpp>
#include <avss/io/audio_writer.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class mixture_layout : public in_folder {
 protected:
  void touch(const fs::path& relative) {
    fs::create_directories((folder / relative).parent_path());
    write_bytes(folder / relative, "x");
  }
  void store(const fs::path& relative, std::size_t length, int rate = 16000) {
    fs::create_directories((folder / relative).parent_path());
    write_audio(folder / relative, rate, std::vector<float>(length, 0.1f));
  }
};

std::vector<std::string> names(const mixture_list& list) {
  std::vector<std::string> out;
  for (const mixture_item& item : list.items) out.push_back(item.name);
  return out;
}

TEST_F(mixture_layout, pairs_files_by_name) {
  for (const char* name : {"b_c", "a_b", "Z_a"})
    for (const char* part : {"mix", "s1", "s2"}) touch(fs::path("audio/val") / part / (std::string(name) + ".wav"));
  touch("audio/val/mix/.hidden.wav");
  touch("audio/val/mix/readme.txt");
  touch("audio/val/index.json");
  const mixture_list list = list_dataset(folder, "val");
  EXPECT_EQ(names(list), (std::vector<std::string>{"Z_a", "a_b", "b_c"}));
  EXPECT_EQ(list.sources, 2u);
  EXPECT_EQ(list.items[1].mixture, folder / "audio/val/mix/a_b.wav");
  EXPECT_EQ(list.items[1].sources, (std::vector<fs::path>{folder / "audio/val/s1/a_b.wav", folder / "audio/val/s2/a_b.wav"}));
  EXPECT_EQ(list.skipped, (std::vector<fs::path>{folder / "audio/val/mix/readme.txt"}));
  EXPECT_EQ(names(list_input(folder / "audio/val")), names(list));
}

TEST_F(mixture_layout, partition_and_ground_truth_are_optional) {
  touch("audio/mix/a.FLAC");
  touch("audio/mix/b.one.mp3");
  const mixture_list list = list_dataset(folder);
  EXPECT_EQ(names(list), (std::vector<std::string>{"a", "b.one"}));
  EXPECT_EQ(list.sources, 0u);
  EXPECT_TRUE(list.items[0].sources.empty());
}

TEST_F(mixture_layout, extensions_may_differ_and_sources_be_many) {
  touch("audio/mix/a.flac");
  touch("audio/s1/a.wav");
  touch("audio/s2/a.mp3");
  touch("audio/s3/a.ogg");
  const mixture_list list = list_dataset(folder);
  EXPECT_EQ(list.sources, 3u);
  EXPECT_EQ(list.items[0].sources[2], folder / "audio/s3/a.ogg");
}

TEST_F(mixture_layout, lists_names_that_do_not_match) {
  for (const char* file : {"mix/a.wav", "mix/b.wav", "mix/c.wav", "s1/a.wav", "s1/b.wav", "s1/d.wav", "s2/a.wav", "s2/c.wav"})
    touch(fs::path("audio/val") / file);
  EXPECT_TRUE(
      says(error_of([&] { list_dataset(folder, "val"); }), "mix without s1: c", "s1 without mix: d", "mix without s2: b"));
  for (int i = 0; i < 9; ++i) touch("audio/val/mix/n" + std::to_string(i) + ".wav");
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "val"); }), "mix without s1: c, n0, n1, n2, n3 and 5 more"));
}

TEST_F(mixture_layout, says_what_is_missing) {
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder / "none"); }), "none: no such folder"));
  fs::create_directories(folder / "mouths");
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "val"); }), "has no audio/", "audio/val/mix", "found mouths"));
  fs::create_directories(folder / "audio/train/s1");
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "val"); }), "no partition \"val\"", "found train"));
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder); }), "has no mix/", "found train", "name the partition"));
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "train"); }), "has no mix/", "found s1"));
  fs::create_directories(folder / "audio/train/mix");
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "train"); }), "mix: is empty"));
  touch("audio/train/mix/notes.txt");
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "train"); }), "no audio file", "notes.txt"));
  touch("audio/train/mix/a.wav");
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "train"); }), "s1: is empty"));
  touch("audio/train/mix/a.flac");
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "train"); }), "both a.flac and a.wav"));
  touch("audio/gap/mix/a.wav");
  touch("audio/gap/s2/a.wav");
  EXPECT_TRUE(says(error_of([&] { list_dataset(folder, "gap"); }), "s2 but no s1"));
}

TEST_F(mixture_layout, takes_a_file_or_a_plain_folder) {
  touch("some/b.wav");
  touch("some/a.mp3");
  touch("some/deeper/c.wav");
  EXPECT_EQ(names(list_input(folder / "some")), (std::vector<std::string>{"a", "b"}));
  const mixture_list one = list_input(folder / "some/b.wav");
  EXPECT_EQ(names(one), (std::vector<std::string>{"b"}));
  EXPECT_EQ(one.folder, folder / "some");
  EXPECT_TRUE(says(error_of([&] { list_input(folder / "none"); }), "no such file or folder"));
  // What the system refuses to look at is not said to be missing. (A folder without permission, but root may enter any.)
  std::filesystem::create_symlink("circle", folder / "circle");
  for (const std::string& refused :
       {error_of([&] { list_input(folder / "circle"); }), error_of([&] { list_dataset(folder / "circle"); })})
    EXPECT_TRUE(says(refused, "circle", "cannot be opened: Too many levels of symbolic links"));
  // A message is one line, whatever the name.
  EXPECT_TRUE(says(error_of([&] { list_input(folder / "two\nlines\x1b"); }), "two\\nlines\\x1b: no such file"));
  fs::create_directories(folder / "empty");
  EXPECT_TRUE(says(error_of([&] { list_input(folder / "empty"); }), "is empty"));
}

TEST_F(mixture_layout, refuses_sources_of_another_length_or_rate) {
  store("mix/a.wav", 1000);
  store("s1/a.wav", 1000);
  store("s2/a.wav", 1000);
  EXPECT_EQ(check_item(list_input(folder).items[0]).frames, 1000);
  store("s2/a.wav", 999);
  EXPECT_TRUE(says(error_of([&] { check_item(list_input(folder).items[0]); }), "s2/a.wav", "999 samples", "1000"));
  store("s2/a.wav", 1000, 8000);
  EXPECT_TRUE(says(error_of([&] { check_item(list_input(folder).items[0]); }), "8000 Hz", "16000 Hz"));
}

}  // namespace
}  // namespace avss
