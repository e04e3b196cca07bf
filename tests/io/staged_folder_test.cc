#include <gtest/gtest.h>

#include <avss/io/staged_folder.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class staged : public in_folder {
 protected:
  fs::path target() const { return folder / "a/b"; }
};

TEST_F(staged, appears_at_once) {
  staged_folder s(target() / "");
  write_bytes(s.file("x/1.txt"), "one");
  write_bytes(s.file("2.txt"), "two");
  EXPECT_FALSE(fs::exists(target()));
  EXPECT_EQ(s.target(), target());
  s.publish("2.txt");
  EXPECT_EQ(bytes_of_file(target() / "x/1.txt"), "one");
  EXPECT_EQ(bytes_of_file(target() / "2.txt"), "two");
  EXPECT_EQ(count_files(), 2u);
}

TEST_F(staged, replaces_files_of_the_same_names_only) {
  fs::create_directories(target() / "x");
  write_bytes(target() / "x/1.txt", "old");
  write_bytes(target() / "x/mine.txt", "mine");
  staged_folder s(target());
  write_bytes(s.file("x/1.txt"), "new");
  write_bytes(s.file("last.txt"), "last");
  s.publish("last.txt");
  EXPECT_EQ(bytes_of_file(target() / "x/1.txt"), "new");
  EXPECT_EQ(bytes_of_file(target() / "x/mine.txt"), "mine");
  EXPECT_EQ(count_files(), 3u);
}

TEST_F(staged, leaves_nothing_without_publish) {
  { write_bytes(staged_folder(target()).file("x/1.txt"), "one"); }
  EXPECT_EQ(count_files(), 0u);
  EXPECT_FALSE(fs::exists(target()));
  EXPECT_TRUE(fs::is_empty(folder / "a"));
}

TEST_F(staged, refuses_a_target_that_is_no_folder_at_once) {
  fs::create_directories(folder / "a");
  write_bytes(target(), "a file");
  EXPECT_TRUE(says(error_of([&] { staged_folder s(target()); }), target().string(), "is no folder", "choose another"));
  EXPECT_EQ(bytes_of_file(target()), "a file");
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(staged, errors_tell_of_the_target) {
  const staged_folder s(target());
  const std::string text = error_of([&] { s.make([&] { fail(s.file("x.wav").string(), ": the disk is full; free some"); }); });
  EXPECT_EQ(text, (target() / "x.wav").string() + ": the disk is full; free some");
}

TEST_F(staged, the_last_file_is_not_there_when_another_fails) {
  fs::create_directories(target());
  write_bytes(target() / "x", "a file where a folder should be");
  {
    staged_folder s(target());
    write_bytes(s.file("x/1.txt"), "one");
    write_bytes(s.file("a.txt"), "shows that all is there");
    EXPECT_TRUE(says(error_of([&] { s.publish("a.txt"); }), "x/1.txt", "cannot be written", "choose another folder"));
  }
  EXPECT_FALSE(fs::exists(target() / "a.txt"));
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(staged, says_where_it_cannot_be) {
  write_bytes(folder / "file", "x");
  EXPECT_TRUE(says(error_of([&] { staged_folder(folder / "file/x"); }), "file/x", "cannot be made", "choose another folder"));
}

}  // namespace
}  // namespace avss
